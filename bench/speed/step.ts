/**
 * One training step and one embedding pass of ours, a line of JSON a network; the peer is
 * `bench/peers/step.py`.
 *
 *     node bench/speed/step.ts [network,…] [repeats]
 */
import { availableParallelism } from 'node:os'
import { fileURLToPath } from 'node:url'
import { type Engine, selectEngine } from '../../lib/engine/select.ts'
import {
  type LayersModel,
  type Tensor,
  type Tensor4D,
  tf,
  type Variable,
} from '../../lib/engine/tf.ts'
import { conv4 } from '../../lib/model/conv4.ts'
import { modelFromFolder } from '../../lib/model/from-folder.ts'
import { mobilenetV2 } from '../../lib/model/mobilenet-v2.ts'
import { adam } from '../../lib/model/optimizer.ts'

/** What a run measured. */
export interface StepSpeed {
  readonly bench: 'step'
  readonly library: string
  readonly threads: number
  readonly network: string
  readonly batch: number
  /** Forward, backward and Adam of one batch, ms: the shortest and the median. */
  readonly stepMs: number
  readonly stepMedianMs: number
  /** Forward of one batch, ms. */
  readonly embedMs: number
  readonly embedMedianMs: number
}

const batch = 120
const models = new URL('../../../shared/models/', import.meta.url)
const shared = async (name: string) =>
  (await modelFromFolder(fileURLToPath(new URL(name, models)))).network

interface Subject {
  readonly make: () => Promise<LayersModel> | LayersModel
  readonly side: number
  readonly channels: number
  /** Whether batch norms use and learn the statistics of the batch. */
  readonly training: boolean
}

/** The networks of the recipes, at the sizes that the proofs train them at. */
export const subjects: Readonly<Record<string, Subject>> = {
  'mobilenet-v1-0.25': {
    make: () => shared('mobilenet_v1_0.25_128'),
    side: 64,
    channels: 3,
    training: false,
  },
  'mobilenet-v1-0.5': {
    make: () => shared('mobilenet_v1_0.5_160'),
    side: 64,
    channels: 3,
    training: false,
  },
  conv4: {
    make: () => conv4({ size: 28, channels: 1, dim: 64, seed: 1 }),
    side: 28,
    channels: 1,
    training: true,
  },
  'mobilenet-v2': { make: () => randomised(mobilenetV2()), side: 96, channels: 3, training: false },
}

/** Weights as they might be after training: the plain network has none. */
function randomised(network: LayersModel): LayersModel {
  tf.tidy(() => {
    for (const { val } of network.weights as unknown as { val: Variable }[]) {
      if (val.shape.length < 2) continue
      const fanIn = val.size / (val.shape.at(-1) as number)
      val.assign(tf.randomNormal(val.shape, 0, Math.sqrt(2 / fanIn), 'float32', 1))
    }
  })
  return network
}

/** Calls before the clock runs: in the first ones code is still compiled and memory fetched. */
const warmUps = 20

/** Shortest and median time of a call, ms, once it is warm. */
async function clock(repeats: number, call: () => Promise<unknown>): Promise<[number, number]> {
  const times: number[] = []
  for (let i = -warmUps; i < repeats; i += 1) {
    const before = performance.now()
    await call()
    if (i >= 0) times.push(Math.round((performance.now() - before) * 100) / 100)
  }
  times.sort((a, b) => a - b)
  return [times[0] as number, times[Math.floor(repeats / 2)] as number]
}

/**
 * Times one network: the loss is the mean square of its features, as in the peer.
 *
 * @param engine - The engine in use, for the report.
 */
export async function stepSpeed(engine: Engine, name: string, repeats = 30): Promise<StepSpeed> {
  const { make, side, channels, training } = subjects[name] as Subject
  const network = await make()
  const images = tf.randomUniform([batch, side, side, channels], -1, 1, 'float32', 1) as Tensor4D
  const variables = network.trainableWeights.map((weight) => weight.read() as Variable)
  const optimizer = adam(variables, { rate: 1e-4, weightDecay: 5e-4 })
  const embed = async () => {
    const features = tf.tidy(() => network.apply(images, { training: false }) as Tensor)
    await features.data()
    features.dispose()
  }
  const step = async () => {
    const { value, grads } = tf.variableGrads(
      () => tf.mean(tf.square(network.apply(images, { training }) as Tensor)),
      variables,
    )
    await value.data()
    optimizer.step(grads)
    tf.dispose([value, ...Object.values(grads)])
  }
  const [embedMs, embedMedianMs] = await clock(repeats, embed)
  const [stepMs, stepMedianMs] = await clock(repeats, step)
  optimizer.dispose()
  network.dispose()
  images.dispose()
  const library = `contrastream on ${engine.name}, ${engine.device}`
  const times = { stepMs, stepMedianMs, embedMs, embedMedianMs }
  return { bench: 'step', library, threads: availableParallelism(), network: name, batch, ...times }
}

if (import.meta.main) {
  const [names = Object.keys(subjects).join(), repeats = '30'] = process.argv.slice(2)
  const engine = await selectEngine('auto')
  for (const name of names.split(',')) {
    console.log(JSON.stringify(await stepSpeed(engine, name, Number(repeats))))
  }
}
