import { ArtifactError, ConfigError } from '../errors.ts'
import { artifactDigest, type ModelFiles, saveArtifact } from '../model/artifact.ts'
import { flatten } from '../model/flatten.ts'
import { modelFromFolder } from '../model/from-folder.ts'
import { isPretrained, type Normalisation, pretrainedNames } from '../model/options.ts'
import { pretrained } from '../model/pretrained.ts'

/** The frozen backbone: the first champion, and what every result is shown beside. */
export interface Baseline extends Normalisation {
  readonly files: ModelFiles
  readonly dim: number
  readonly digest: string
  /** Side of its pictures where it takes one size only. */
  readonly size: number | undefined
}

/** Which backbone. */
export interface BaselineRequest {
  /** A known name, or path or URL of a `model.json`. */
  readonly backbone: string
  /** Size and channels of `conv4`'s pictures. */
  readonly size: number
  readonly channels: 'rgb' | 'grey'
  /** Where downloaded backbones are kept. */
  readonly cacheFolder: string
}

/** The setting is to blame for a model of the user's that does not load. */
function unusable(cause: unknown): never {
  if (!(cause instanceof ArtifactError)) throw cause
  const remedy = `set model.backbone to ${pretrainedNames.join(', ')}, conv4 or a TensorFlow.js LayersModel`
  throw new ConfigError(`model.backbone: ${cause.message}; ${remedy}`, { cause })
}

/**
 * The backbone without training, as files to publish; for `conv4` a network that only flattens.
 *
 * @param report - Told about a download, line by line.
 */
export async function makeBaseline(
  request: BaselineRequest,
  report: (text: string) => void,
): Promise<Baseline> {
  const { backbone, size, channels, cacheFolder } = request
  if (backbone === 'conv4') {
    const count = channels === 'rgb' ? 3 : 1
    const network = flatten({ size, channels: count })
    const files = { ...(await saveArtifact(network)) }
    network.dispose()
    const middle = Array.from({ length: count }, () => 127.5)
    const dim = size * size * count
    return { files, dim, digest: artifactDigest(files), size, mean: middle, std: middle }
  }
  const loaded = isPretrained(backbone)
    ? await pretrained(backbone, { cacheFolder, report })
    : await modelFromFolder(backbone).catch(unusable)
  const files = { ...(await saveArtifact(loaded.network)) }
  loaded.network.dispose()
  const { dim, size: side, mean, std } = loaded
  return { files, dim, digest: artifactDigest(files), size: side, mean, std }
}
