import { availableParallelism } from 'node:os'
import { chooseK } from '../cluster/choose-k.ts'
import type { Config } from '../config/schema.ts'
import { defaultDuplicateOptions } from '../learn/duplicates.ts'
import { defaultDecoderOptions } from './decoders.ts'

/** Memory that one part of a run may hold. */
export interface MemoryPart {
  readonly what: string
  readonly bytes: number
}

const mib = 2 ** 20

/** A process with libtensorflow loaded and nothing done yet: 430 MiB, and what its heap may add. */
const engineProcess = 700 * mib
/** Garbage that the two threads of the main process may leave before it is collected. */
const heaps = 512 * mib
/** Forward and backward pass a pixel of the batch; conv4 holds 2.7 KiB, MobileNets about 2. */
const perPixel = 3 * 1024
/** An entry of the buffer, an id that is remembered, and a near-duplicate's trace. */
const perEntry = 640
const perId = 160
/** Copies of all embeddings at once: student, champion, centred, and one on its way. */
const copies = 4
/** Two chunks of similarities, each in the engine and on its way out. */
const chunks = 4 * 64 * mib
const float = 4

/** Embedding width and picture side, those of a CPU where the settings leave them open. */
function sizesOf({ model, image }: Config): { readonly dim: number; readonly side: number } {
  const isConv4 = model.backbone === 'conv4'
  const side = image.size === 'auto' ? (isConv4 ? 28 : 96) : image.size
  const pixels = side * side * (image.channels === 'rgb' ? 3 : 1)
  // The baseline of conv4 is the picture itself.
  const dim = isConv4 ? pixels : model.dim === 'auto' ? 1280 : model.dim
  return { dim, side }
}

/**
 * What a run on one machine may hold in memory at most, part by part, whatever comes in.
 *
 * An upper bound from the settings alone: a picture more in the stream adds nothing. What a GPU holds
 * is not in it.
 */
export function memoryBound(config: Config): readonly MemoryPart[] {
  const { batch, buffer } = config.learn
  const { dim, side } = sizesOf(config)
  const processes =
    config.limits.decoders === 'auto' ? availableParallelism() : config.limits.decoders
  const k = config.learn.k === 'auto' ? chooseK(buffer.capacity) : config.learn.k
  const ids = buffer.capacity * perEntry + defaultDuplicateOptions.remembered * perId
  return [
    { what: 'program and engine', bytes: engineProcess + heaps },
    { what: 'decoder processes', bytes: processes * defaultDecoderOptions.maxResidentBytes },
    { what: 'check of an artifact', bytes: engineProcess },
    { what: 'buffer and duplicates', bytes: ids },
    { what: 'embeddings of a round', bytes: copies * buffer.capacity * dim * float },
    { what: 'clustering', bytes: chunks + 2 * k * dim * float },
    { what: 'training step', bytes: batch.clusters * batch.slots * side * side * perPixel },
  ]
}
