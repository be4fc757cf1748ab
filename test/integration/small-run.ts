import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { checkConfig } from '../../lib/config/load.ts'
import type { Config, ConfigInput } from '../../lib/config/schema.ts'
import { encodePng } from '../../lib/image/encode.ts'
import { glyphPicture, glyphSize } from '../../lib/service/demo-glyphs.ts'
import type { PipelineEvent } from '../../lib/service/events.ts'
import { type RunOptions, type RunSummary, run } from '../../lib/service/run.ts'

/** A folder with generated pictures in class folders; `remove` it when the tests are done. */
export interface SmallFolder {
  readonly folder: string
  readonly pictures: string
  remove(): void
}

/** Writes `each` glyphs of each of `kinds` kinds. */
export async function writeGlyphs(into: string, kinds: number, each: number, from = 0) {
  for (let kind = 0; kind < kinds; kind += 1) {
    const folder = join(into, `kind-${kind}`)
    mkdirSync(folder, { recursive: true })
    for (let number = from; number < from + each; number += 1) {
      const png = await encodePng(glyphPicture(5, kind, number), glyphSize, glyphSize)
      writeFileSync(join(folder, `${number}.png`), png)
    }
  }
}

/** Eight kinds of glyphs, twenty-two of each: enough for a round of the small profile. */
export async function smallFolder(): Promise<SmallFolder> {
  const folder = mkdtempSync(join(tmpdir(), 'contrastream-run-'))
  const pictures = join(folder, 'pictures')
  await writeGlyphs(pictures, 8, 22)
  return { folder, pictures, remove: () => rmSync(folder, { recursive: true, force: true }) }
}

/** Settings of the shortest run that judges a model. */
export function smallConfig({ folder, pictures }: SmallFolder, more: ConfigInput = {}): Config {
  return checkConfig({
    data: join(folder, 'data'),
    ...more,
    ingest: { folders: [pictures], ...more.ingest },
    image: { channels: 'grey', ...more.image },
    model: { backbone: 'conv4', dim: 16, ...more.model },
    learn: { steps: 4, recluster: 2, k: 8, start: { buffered: 60, fresh: 60 }, ...more.learn },
    limits: { decoders: 2 },
  })
}

/** How a run went. */
export interface SmallRun {
  readonly summary: RunSummary
  readonly events: readonly PipelineEvent[]
}

/** Runs until idle, in this process. */
export async function runSmall(config: Config, more: Partial<RunOptions> = {}): Promise<SmallRun> {
  const events: PipelineEvent[] = []
  const summary = await run(config, {
    untilIdle: true,
    now: Date.now,
    onEvent: (event) => events.push(event),
    onProgress: () => undefined,
    signal: new AbortController().signal,
    ...more,
  })
  return { summary, events }
}
