import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { checkConfig } from '../../lib/config/load.ts'
import { ConfigError } from '../../lib/errors.ts'
import { encodePng } from '../../lib/image/encode.ts'
import { imageId } from '../../lib/image/fingerprint.ts'
import type { Preprocessing } from '../../lib/image/options.ts'
import { labelledProbe } from '../../lib/service/labelled-probe.ts'

const preprocessing: Preprocessing = {
  size: 16,
  channels: 'grey',
  background: '#808080',
  mean: [127.5],
  std: [127.5],
}
let folder = ''

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'contrastream-labels-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

/** Names in the order of their numbers. */
const nameOf = (number: number) => `${String(number).padStart(2, '0')}.png`
const picture = (level: number) => encodePng(new Uint8Array(16 * 16 * 3).fill(level), 16, 16)

/** Pictures of one grey each in class folders; levels do not repeat. */
async function write(classes: Readonly<Record<string, number>>): Promise<void> {
  let level = 0
  for (const [name, count] of Object.entries(classes)) {
    mkdirSync(join(folder, name), { recursive: true })
    for (let number = 0; number < count; number += 1) {
      writeFileSync(join(folder, name, nameOf(number)), await picture(level))
      level += 1
    }
  }
}

const probeOf = (labels: string, notes: string[] = []) =>
  labelledProbe(checkConfig({ gate: { labels } }), preprocessing, (text) => notes.push(text))

describe('labelledProbe', () => {
  it('is absent where none is configured', async () => {
    expect(await probeOf('')).toBeUndefined()
  })

  it('reads class folders, each picture once under the digest of its bytes', async () => {
    await write({ apples: 12, pears: 12 })
    writeFileSync(join(folder, 'apples', 'copy.png'), await picture(0))
    const probe = await probeOf(folder)
    expect(probe?.ids).toHaveLength(24)
    expect(probe?.ids[0]).toBe(imageId(await picture(0)))
    expect([...(probe?.classes ?? [])]).toEqual([...Array(12).fill(0), ...Array(12).fill(1)])
    expect([...(probe?.pixels ?? [])].filter((_, i) => i % 256 === 0)).toEqual(
      Array.from({ length: 24 }, (_, i) => i),
    )
  })

  it('reads a CSV, its pictures relative to it', async () => {
    await write({ all: 24 })
    const rows = Array.from(
      { length: 24 },
      (_, i) => `all/${nameOf(i)},${i % 2 === 0 ? 'even' : 'odd'}`,
    )
    writeFileSync(join(folder, 'labels.csv'), ['picture,class', ...rows].join('\n'))
    const probe = await probeOf(join(folder, 'labels.csv'))
    expect([...(probe?.classes ?? [])]).toEqual(Array.from({ length: 24 }, (_, i) => i % 2))
  })

  it('leaves out what does not decode, and says what it will do', async () => {
    await write({ apples: 12, pears: 12 })
    writeFileSync(join(folder, 'pears', 'broken.png'), 'no picture')
    const notes: string[] = []
    expect((await probeOf(folder, notes))?.ids).toHaveLength(24)
    expect(notes[0]).toMatch(/gate.labels: left out .*broken.png/)
    expect(notes[1]).toContain('24 labelled pictures judge while the profile is small')
  })

  const faults: readonly [string, Readonly<Record<string, number>>, RegExp][] = [
    ['holds no picture', {}, /gate.labels: .*found none/],
    ['has one class', { apples: 30 }, /expected at least 2 classes in .*, got 1/],
    ['has too few pictures', { apples: 10, pears: 9 }, /at least 20 pictures .*, got 19/],
    ['has nothing to find', { a: 1, b: 1, c: 19 }, /at least 20 pictures .*, got 19/],
  ]
  it.each(faults)('refuses a folder that %s', async (_, classes, message) => {
    await write(classes)
    await expect(probeOf(folder)).rejects.toThrow(ConfigError)
    await expect(probeOf(folder)).rejects.toThrow(message)
  })

  it('refuses a folder that is not there, and a CSV without its first line', async () => {
    const missing = probeOf(join(folder, 'nowhere'))
    await expect(missing).rejects.toThrow(/gate.labels: expected a folder .*nowhere, there is none/)
    await expect(missing).rejects.toThrow(ConfigError)
    writeFileSync(join(folder, 'labels.csv'), 'a.png,apple\n')
    await expect(probeOf(join(folder, 'labels.csv'))).rejects.toThrow(ConfigError)
  })

  it('refuses one picture in two classes, and names both files', async () => {
    await write({ apples: 12, pears: 12 })
    writeFileSync(join(folder, 'pears', 'apple.png'), await picture(3))
    await expect(probeOf(folder)).rejects.toThrow(
      /apples\/03.png \(apples\) and .*pears\/apple.png/,
    )
  })
})
