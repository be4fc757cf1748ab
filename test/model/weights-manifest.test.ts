import { expect, it } from 'vitest'
import { ArtifactError } from '../../lib/errors.ts'
import { readManifest } from '../../lib/model/weights-manifest.ts'

const encoded = (value: unknown) => new TextEncoder().encode(JSON.stringify(value))
const weight = { name: 'a/kernel', shape: [2, 3], dtype: 'float32' }
const model = (group: object, more: object = {}) =>
  encoded({ modelTopology: {}, weightsManifest: [{ paths: ['w.bin'], ...group }], ...more })
const read = (json: Uint8Array) => readManifest('here', json)

it('counts the bytes of each group, quantized ones included', () => {
  const weights = [
    weight,
    { name: 'b', shape: [], dtype: 'float32' },
    { name: 'c', shape: [5], dtype: 'float32', quantization: { dtype: 'uint8', min: 0, scale: 1 } },
    { name: 'd', shape: [5], dtype: 'float32', quantization: { dtype: 'float16' } },
  ]
  expect(read(model({ weights })).groups[0]?.bytes).toBe(24 + 4 + 5 + 10)
})

it.each([
  ['bytes that are no JSON', Uint8Array.of(0x7b, 0xff), 'must be JSON'],
  ['a list', encoded([]), 'fields'],
  ['a graph model', model({ weights: [] }, { format: 'graph-model' }), 'got graph-model'],
  ['no topology', encoded({ weightsManifest: [] }), 'a modelTopology'],
  ['no manifest', encoded({ modelTopology: {} }), 'a weightsManifest'],
  ['a group of text', encoded({ modelTopology: {}, weightsManifest: ['x'] }), 'groups that are'],
  ['no weights', model({}), 'weights in each group'],
  ['a path out of the folder', model({ paths: ['../w.bin'], weights: [] }), 'inside its folder'],
  ['an absolute path', model({ paths: ['/etc/passwd'], weights: [] }), 'inside its folder'],
  ['a path of another host', model({ paths: ['http://x/y'], weights: [] }), 'inside its folder'],
  ['a path of Windows', model({ paths: ['..\\w.bin'], weights: [] }), 'inside its folder'],
  ['a path twice', model({ paths: ['w', 'w'], weights: [] }), 'each path once, got w twice'],
  ['a weight twice', model({ weights: [weight, weight] }), 'each weight once'],
  ['a weight without a name', model({ weights: [{ ...weight, name: 1 }] }), 'a name'],
  ['a negative size', model({ weights: [{ ...weight, shape: [-1] }] }), 'a shape for a/kernel'],
  ['a size that is no count', model({ weights: [{ ...weight, shape: [0.5] }] }), 'a shape'],
  ['text as weights', model({ weights: [{ ...weight, dtype: 'string' }] }), 'numbers for a/kernel'],
  [
    'an unknown quantization',
    model({ weights: [{ ...weight, quantization: { dtype: 'int4' } }] }),
    'float32 stored as int4',
  ],
])('refuses %s', (_, json, message) => {
  expect(() => read(json)).toThrow(ArtifactError)
  expect(() => read(json)).toThrow(message)
  expect(() => read(json)).toThrow(/^here: model\.json must/)
})
