import { readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { checkConfig, loadConfig } from '../../lib/config/load.ts'
import { command, temporaryFolder } from './support.ts'

it('prints settings that read back as the same settings', async () => {
  const { stdout } = await command('config', 'print', '--set', 'learn.maxRoundTime=2m')
  const file = join(temporaryFolder(), 'printed.yaml')
  writeFileSync(file, stdout)
  expect(loadConfig({ file })).toEqual(checkConfig({ learn: { maxRoundTime: '2m' } }))
  expect(stdout).toContain('maxRoundTime: 120000ms')
})

it('masks what a URL carries beside the place', async () => {
  const backbone = 'model.backbone=https://me:hush@host/model.json?signature=hush'
  const { stdout } = await command('config', 'print', '--set', backbone)
  expect(stdout).not.toContain('hush')
  expect(stdout).toContain('@host/model.json')
})

it('finds the default settings sound', async () => {
  const { lines, code } = await command('config', 'check', '--json')
  expect([code, lines[0]?.['ok']]).toEqual([0, true])
})

it.each([
  ['model.recipe', ['engine=wasm', 'model.recipe=scratch']],
  ['model.recipe', ['model.backbone=conv4', 'model.recipe=head']],
  ['model.backbone', ['model.backbone=resnet-9000']],
  ['learn.buffer.capacity', ['learn.k=100', 'learn.buffer.capacity=399']],
  ['learn.start.buffered', ['learn.start.buffered=500', 'learn.buffer.capacity=400']],
  ['learn.batch.clusters', ['learn.k=8']],
  ['pictures.retention', ['pictures.retention=191h']],
  ['pictures.retention', ['pictures.retention=8d', 'log.retention.hours=169']],
  ['log.retention.bytes', ['log.retention.bytes=9MB']],
  ['learn.checkpointEvery', ['learn.checkpointEvery=24h']],
  ['ingest.folders', ['ingest.folders=[/no/such/folder]']],
])('finds a fault in %s with %j', async (key, settings) => {
  const pairs = settings.flatMap((pair) => ['--set', pair])
  const { lines, code } = await command('config', 'check', ...pairs, '--json')
  expect(code).toBe(3)
  expect(lines[0]).toMatchObject({ ok: false, findings: [{ key }] })
})

it('allows pictures that outlive their records by a day', async () => {
  expect((await command('config', 'check', '--set', 'pictures.retention=8d')).code).toBe(0)
})

it('allows a buffer of exactly four pictures a cluster', async () => {
  const pairs = ['--set', 'learn.k=100', '--set', 'learn.buffer.capacity=400']
  expect((await command('config', 'check', ...pairs)).code).toBe(0)
})

it('ends with 2 for an unknown key, a bad value and a file that is not there', async () => {
  const unknown = await command('config', 'check', '--set', 'lern.k=3')
  expect(unknown).toMatchObject({ code: 2, error: { message: expect.stringContaining('lern') } })
  expect((await command('config', 'check', '--set', 'learn.k=1')).code).toBe(2)
  expect((await command('config', 'print', '--config', '/no/such.yaml')).code).toBe(2)
})

it('has a JSON Schema that knows every section', async () => {
  const { lines } = await command('config', 'schema', '--json')
  const schema = lines[0]?.['jsonSchema'] as { properties: object; required?: string[] }
  expect(Object.keys(schema.properties)).toEqual(Object.keys(checkConfig({})))
  expect(schema.required ?? []).toEqual([])
})

it.each([
  ['http.host', ['http.host=0.0.0.0']],
  ['http.adminHost', ['http.adminHost=192.168.1.2']],
  ['http.host', ['http.names=[pictures.example.org]']],
])('finds a missing token at %s with %j, until there is one', async (key, settings) => {
  const data = temporaryFolder()
  const pairs = ['--data', data, '--json', ...settings.flatMap((pair) => ['--set', pair])]
  const check = () => command('config', 'check', ...pairs)
  const missing = await check()
  expect([missing.code, missing.lines[0]]).toMatchObject([3, { findings: [{ key }] }])
  expect(readdirSync(data)).toEqual([])
  const made = await command('token', 'create', '--scope', 'read', '--data', data, '--json')
  expect((await check()).code).toBe(0)
  await command('token', 'revoke', String(made.lines[0]?.['id']), '--data', data)
  expect((await check()).code).toBe(3)
})
