import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { checkConfig, loadConfig } from '../../lib/config/load.ts'

const fileWith = (text: string): string => {
  const path = join(mkdtempSync(join(tmpdir(), 'contrastream-')), 'c.yaml')
  writeFileSync(path, text)
  return path
}

it('has a default for every setting', () => {
  const config = checkConfig({})
  expect(config.name).toBe('main')
  expect(config.learn.batch.slots).toBe(8)
  expect(config.learn.checkpointEvery).toBe(300_000)
  expect(config.limits.bytes).toBe(20 * 2 ** 20)
  expect(config.release.keep).toBe(10)
  expect(config.pictures.retention).toBe('auto')
  expect(config.log.retention).toEqual({ hours: 168, bytes: 20 * 2 ** 30 })
})

it('lets the environment win over the file, and pairs over both', () => {
  const file = fileWith('seed: 2\nlearn: { k: 30, steps: 10 }\n')
  const environment = { CONTRASTREAM__LEARN__K: '40', CONTRASTREAM__LEARN__MAXROUNDTIME: '2m' }
  const config = loadConfig({ file, environment, settings: ['learn.steps=20'] })
  expect(config.seed).toBe(2)
  expect(config.learn.k).toBe(40)
  expect(config.learn.steps).toBe(20)
  expect(config.learn.maxRoundTime).toBe(120_000)
})

it('names an unknown key and the known ones beside it', () => {
  const load = () => loadConfig({ file: fileWith('learn: { bacth: {} }') })
  expect(load).toThrow(/unknown key bacth at learn; known there: .*batch/)
})

it('names the setting, what was expected and what came', () => {
  expect(() => checkConfig({ learn: { checkpointEvery: 'soon' } })).toThrow(
    /learn.checkpointEvery: expected a duration such as 5m .* got 'soon'/,
  )
  expect(() => checkConfig({ seed: 'one' })).toThrow(/seed: .*expected number, received string/)
})

it('says that a named file is missing, and that one is no mapping', () => {
  expect(() => loadConfig({ file: '/nowhere/c.yaml' })).toThrow('/nowhere/c.yaml')
  expect(() => loadConfig({ file: fileWith('- a\n') })).toThrow(/expected a mapping/)
  expect(() => loadConfig({ settings: ['seed'] })).toThrow(/expected key=value/)
})

it('asks for a bucket where the stores are to be in one', () => {
  expect(() => checkConfig({ store: { adapter: 's3' } })).toThrow(/store.s3.bucket: expected/)
  expect(checkConfig({ store: { adapter: 's3', s3: { bucket: 'data' } } }).store).toEqual({
    adapter: 's3',
    allow: [],
    s3: { bucket: 'data', prefix: '', region: '', endpoint: '', pathStyle: false },
  })
  expect(checkConfig({}).store.adapter).toBe('file')
})

it.each([{ bucket: 'No' }, { prefix: '/a' }, { prefix: 'a//b' }, { endpoint: 'localhost:9000' }])(
  'refuses %j for a bucket',
  (s3) => {
    expect(() => checkConfig({ store: { s3 } })).toThrow(/store.s3/)
  },
)

it('replaces the names of our topics only', () => {
  const topics = (names: object) => checkConfig({ kafka: { topics: names } }).kafka.topics
  expect(topics({ 'images.unlabeled': 'cameras' })).toEqual({ 'images.unlabeled': 'cameras' })
  expect(() => topics({ unlabelled: 'cameras' })).toThrow(/kafka.topics: expected the names of our/)
})
