import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { checkConfig } from '../config/load.ts'
import type { EngineName } from '../engine/select.ts'
import { selectEngine } from '../engine/select.ts'
import { encodePng } from '../image/encode.ts'
import { decodeFiles } from './decode-files.ts'
import { glyphPicture, glyphSize } from './demo-glyphs.ts'
import { centred, classNumbers, type Figures, figuresOf } from './evaluate.ts'
import type { PipelineEvent } from './events.ts'
import { openPipeline } from './open-pipeline.ts'
import { type RunOptions, type RunSummary, run } from './run.ts'
import { servedModel } from './served-model.ts'

/** What the demo shows. */
export interface DemoResult {
  readonly summary: RunSummary
  /** Figures on classes that were never streamed; absent where the demo was interrupted. */
  readonly figures: { readonly before: Figures; readonly after: Figures } | undefined
  readonly unseenClasses: number
}

const seed = 7
const streamedClasses = 40
const unseenClasses = 20
const picturesEach = 40
/** Enough for a visible gain within two minutes on two cores. */
const demoSteps = 600

/** What a demo without gradients of convolutions says. */
const onlyAHead: PipelineEvent = {
  event: 'note',
  text: 'the wasm engine trains a head on the pixels alone; `contrastream engine install` brings the engine that trains a network',
}

/** Writes generated pictures, one folder a class; returns their paths and classes. */
async function writePictures(folder: string, from: number, classes: number) {
  const written: { readonly path: string; readonly class: string }[] = []
  for (let kind = from; kind < from + classes; kind += 1) {
    const classFolder = join(folder, String(kind).padStart(2, '0'))
    await mkdir(classFolder, { recursive: true })
    for (let number = 0; number < picturesEach; number += 1) {
      const path = join(classFolder, `${number}.png`)
      const pixels = glyphPicture(seed, kind, number)
      await writeFile(path, await encodePng(pixels, glyphSize, glyphSize))
      written.push({ path, class: String(kind) })
    }
  }
  return written
}

/**
 * The main job on generated pictures: 40 classes are streamed, 20 others only measured.
 *
 * Labels serve the measurement and nothing else: neither training nor gate sees them.
 *
 * @param folder - An empty folder for pictures and data.
 */
export async function demo(
  folder: string,
  engine: EngineName | 'auto',
  options: Pick<RunOptions, 'now' | 'onEvent' | 'onProgress' | 'signal'>,
): Promise<DemoResult> {
  const streamed = join(folder, 'streamed')
  await writePictures(streamed, 0, streamedClasses)
  const unseen = await writePictures(join(folder, 'unseen'), streamedClasses, unseenClasses)
  const config = checkConfig({
    data: join(folder, 'data'),
    engine,
    ingest: { folders: [streamed] },
    image: { size: glyphSize, channels: 'grey' },
    model: { backbone: 'conv4' },
    learn: { steps: demoSteps, maxRoundTime: '2m' },
  })
  const onEvent = (event: PipelineEvent) => {
    options.onEvent(event)
    if (event.event === 'engine' && event.name === 'wasm') options.onEvent(onlyAHead)
  }
  const summary = await run(config, { ...options, onEvent, untilIdle: true, rounds: 1 })
  if (summary.interrupted) return { summary, figures: undefined, unseenClasses }
  const pipeline = await openPipeline(config)
  try {
    await selectEngine(engine)
    const labels = classNumbers(unseen.map((picture) => picture.class))
    const measure = async (name: string) => {
      const model = await servedModel(pipeline.registry, name)
      const { pixels } = await decodeFiles(
        unseen.map(({ path }) => path),
        config,
        model.preprocessing,
      )
      const vectors = await model.embed(pixels)
      model.dispose()
      return figuresOf(model.mean === undefined ? centred(vectors) : vectors, labels)
    }
    const before = await measure('baseline')
    const figures = { before, after: await measure('stable') }
    return { summary, figures, unseenClasses }
  } finally {
    await pipeline.close()
  }
}
