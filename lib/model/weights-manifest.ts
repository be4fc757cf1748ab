import { ArtifactError } from '../errors.ts'

/** One weight as `model.json` describes it; the fields that TensorFlow.js reads. */
interface WeightSpec {
  readonly name: string
  readonly shape: number[]
  readonly dtype: 'float32' | 'int32' | 'bool'
  readonly quantization?: { readonly dtype: 'uint8' | 'uint16' | 'float16' }
}

/** Weights that lie one behind the other in a sequence of files. */
interface WeightGroup {
  readonly paths: readonly string[]
  readonly specs: readonly WeightSpec[]
  /** Length of the files together. */
  readonly bytes: number
}

/** What `model.json` says, checked. */
export interface ModelDescription {
  readonly topology: object
  readonly groups: readonly WeightGroup[]
}

const widths: Readonly<Record<string, number>> = {
  float32: 4,
  int32: 4,
  bool: 1,
  uint8: 1,
  uint16: 2,
  float16: 2,
}

type Fields = Readonly<Record<string, unknown>>
const isFields = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** A path that stays inside its folder: names divided by slashes. */
const isInside = (path: unknown): path is string =>
  typeof path === 'string' &&
  path.split('/').every((part) => /^[^\\:]+$/.test(part) && part !== '.' && part !== '..')

/** Reads `model.json` and checks everything that decides which bytes are read and how many. */
export function readManifest(where: string, json: Uint8Array): ModelDescription {
  const fail = (expected: string, got: string): never => {
    throw new ArtifactError(`${where}: model.json must have ${expected}, got ${got}`)
  }
  const parse = (): unknown => {
    try {
      return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(json))
    } catch (cause) {
      throw new ArtifactError(`${where}: model.json must be JSON, got other bytes`, { cause })
    }
  }
  const spec = (value: unknown): WeightSpec => {
    if (!isFields(value)) return fail('weights that are objects', typeof value)
    const { name, shape, dtype, quantization } = value
    if (typeof name !== 'string') return fail('a name for each weight', typeof name)
    const isShape =
      Array.isArray(shape) && shape.every((size) => Number.isSafeInteger(size) && size >= 0)
    if (!isShape) return fail(`a shape for ${name}`, JSON.stringify(shape))
    const stored = isFields(quantization) ? quantization['dtype'] : dtype
    if (!['float32', 'int32', 'bool'].includes(`${dtype}`) || widths[`${stored}`] === undefined) {
      return fail(`numbers for ${name}`, `${dtype} stored as ${stored}`)
    }
    return value as unknown as WeightSpec
  }
  const size = ({ shape, dtype, quantization }: WeightSpec): number =>
    shape.reduce((product, count) => product * count, 1) *
    (widths[quantization?.dtype ?? dtype] as number)
  const group = (value: unknown): WeightGroup => {
    if (!isFields(value)) return fail('groups that are objects', typeof value)
    const { paths, weights } = value
    if (!Array.isArray(paths) || !paths.every(isInside)) {
      return fail('paths inside its folder', JSON.stringify(paths))
    }
    if (!Array.isArray(weights)) return fail('weights in each group', typeof weights)
    const specs = weights.map(spec)
    return { paths, specs, bytes: specs.reduce((sum, each) => sum + size(each), 0) }
  }
  const unique = (what: string, names: readonly string[]): void => {
    const twice = names.find((name, i) => names.indexOf(name) < i)
    if (twice !== undefined) fail(`each ${what} once`, `${twice} twice`)
  }

  const described = parse()
  if (!isFields(described)) return fail('fields', typeof described)
  const { format, modelTopology, weightsManifest } = described
  if (format !== undefined && format !== 'layers-model') fail('format layers-model', `${format}`)
  if (!isFields(modelTopology)) return fail('a modelTopology', typeof modelTopology)
  if (!Array.isArray(weightsManifest)) return fail('a weightsManifest', typeof weightsManifest)
  const groups = weightsManifest.map(group)
  unique(
    'path',
    groups.flatMap(({ paths }) => paths),
  )
  unique(
    'weight',
    groups.flatMap(({ specs }) => specs.map(({ name }) => name)),
  )
  return { topology: modelTopology, groups }
}
