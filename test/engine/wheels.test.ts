import { expect, it } from 'vitest'
import { engineWheels, pipArguments, requirements } from '../../lib/engine/wheels.ts'

it('has no wheels where TensorFlow has none', () => {
  expect(engineWheels('darwin', 'arm64', false)).toBeUndefined()
  expect(engineWheels('linux', 'arm64', true)).toBeUndefined()
  expect(engineWheels('linux', 'ia32', false)).toBeUndefined()
})

it('asks for NVIDIA libraries with CUDA only', () => {
  expect(engineWheels('linux', 'x64', false)?.nvidia).toEqual([])
  expect(engineWheels('linux', 'x64', true)?.nvidia.length).toBeGreaterThan(0)
})

it('pins every wheel by its sha256', () => {
  for (const [arch, cuda] of [
    ['x64', false],
    ['x64', true],
    ['arm64', false],
  ] as const) {
    const wheels = engineWheels('linux', arch, cuda)
    if (wheels === undefined) throw new Error(`no wheels for ${arch}`)
    expect(pipArguments(wheels)).toContain('--require-hashes')
    for (const line of requirements(wheels).trim().split('\n')) {
      expect(line).toMatch(/^[a-z0-9-]+==[\d.]+ --hash=sha256:[0-9a-f]{64}$/)
    }
  }
})
