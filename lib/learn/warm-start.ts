import type { LayersModel } from '../engine/tf.ts'
import { ConfigError } from '../errors.ts'
import { channelCount } from '../image/preprocessing.ts'
import { conv4 } from '../model/conv4.ts'
import { headName } from '../model/head.ts'
import { spaceName } from '../model/rotate.ts'
import { readWeights } from '../model/weights.ts'
import type { StudentState } from './state.ts'
import { architectureOf, type StudentInput } from './student.ts'

/** Weights of a network in its order, and their shapes. */
interface ShapedWeights {
  readonly values: readonly Float32Array[]
  readonly shapes: readonly string[]
}

/** Weights of all layers but one, or of that one alone: an order by layers, not by the network. */
async function weightsOf(
  network: LayersModel,
  belongs: (layer: string) => boolean,
): Promise<ShapedWeights> {
  const layerOf = new Map(
    network.layers.flatMap(({ name, weights }) => weights.map((weight) => [weight.id, name])),
  )
  const all = await readWeights(network)
  const chosen = [...network.weights.entries()].filter(([, weight]) =>
    belongs(layerOf.get(weight.id) ?? ''),
  )
  return {
    values: chosen.map(([i]) => all[i] as Float32Array),
    shapes: chosen.map(([, { shape }]) => shape.join('×')),
  }
}

const whole = (network: LayersModel): Promise<ShapedWeights> => weightsOf(network, () => true)

/** Without the turn of the whole space, which changes no cosine, where a fold has appended it. */
async function unfolded(network: LayersModel, expected: ShapedWeights): Promise<ShapedWeights> {
  const given = await whole(network)
  if (given.values.length !== expected.values.length + 1) return given
  return weightsOf(network, (layer) => layer !== spaceName)
}

function expectShapes(where: string, given: readonly string[], expected: readonly string[]): void {
  if (given.length === expected.length && given.every((shape, i) => shape === expected[i])) return
  const at = expected.findIndex((shape, i) => shape !== given[i])
  const [wanted, got] = [expected[at] ?? 'no more', given[at] ?? 'no more']
  throw new ConfigError(
    `warm start: expected the weights of ${where}, got others (weight ${at + 1} is ${got}, not ${wanted}); model.backbone, model.recipe and model.dim must be those it was trained with`,
  )
}

/** The frozen backbone's own weights: a head fits no other features. */
function expectFrozen(given: readonly Float32Array[], own: readonly Float32Array[]): void {
  const isSame = own.every((values, i) => values.every((value, j) => value === given[i]?.[j]))
  if (isSame) return
  throw new ConfigError(
    'warm start: expected a head on the frozen backbone, got a backbone that was trained; model.recipe=finetune goes on with it',
  )
}

/**
 * A student that has learnt nothing here yet, with the weights of a network trained elsewhere.
 *
 * @param network - As it was published, or as `train` wrote it. It stays the caller's.
 * @param baseline - The published baseline; it stays the caller's.
 * @throws {@link ConfigError} if the network has other layers, or vectors of another length.
 */
export async function warmStudent(
  network: LayersModel,
  baseline: LayersModel,
  input: Pick<StudentInput, 'settings' | 'preprocessing' | 'baseline'>,
): Promise<StudentState> {
  const { settings, preprocessing } = input
  const { recipe, dim } = settings
  const state = (weights: readonly Float32Array[]): StudentState => ({
    weights,
    optimizerStep: 0,
    first: new Float32Array(),
    second: new Float32Array(),
    architecture: architectureOf(input),
  })
  if (recipe === 'scratch') {
    const shape = { size: preprocessing.size, channels: channelCount(preprocessing), dim, seed: 0 }
    const fresh = conv4(shape)
    const expected = await whole(fresh)
    fresh.dispose()
    const fitting = await unfolded(network, expected)
    expectShapes(`conv4 with vectors of ${dim} numbers`, fitting.shapes, expected.shapes)
    return state(fitting.values)
  }
  const own = await whole(baseline)
  if (recipe === 'finetune') {
    const fitting = await unfolded(network, own)
    expectShapes('the backbone', fitting.shapes, own.shapes)
    return state(fitting.values)
  }
  const backbone = await weightsOf(network, (layer) => layer !== headName)
  expectShapes('the backbone', backbone.shapes, own.shapes)
  expectFrozen(backbone.values, own.values)
  const head = await weightsOf(network, (layer) => layer === headName)
  const features = baseline.outputShape[1] as number
  const width = Math.min(dim, features)
  expectShapes(`a head of ${width} numbers`, head.shapes, [`${features}×${width}`, `${width}`])
  return state(head.values)
}
