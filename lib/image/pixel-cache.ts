import {
  closeSync,
  fstatSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readSync,
  writeSync,
} from 'node:fs'
import { join } from 'node:path'
import { crc32 } from 'node:zlib'
import { InputError, MissingError, ShapeError, StoreError } from '../errors.ts'
import { preprocessingHash } from './fingerprint.ts'
import type { Preprocessing } from './options.ts'
import { pixelBytes } from './preprocessing.ts'

/** Decoded pictures by image id, so that a round never decodes. A cache: all of it can be remade. */
export interface PixelCache {
  /** Pictures in it. */
  readonly size: number
  /** Whether a picture is in it, going by its slot's id; {@link PixelCache.missing} looks inside. */
  has(id: string): boolean
  /** Those of the ids that are not in it whole, and have to be written; reads every slot. */
  missing(ids: readonly string[]): readonly string[]
  /**
   * Pixels of the pictures in order, shape [n, size, size, channels], 0–255.
   *
   * @throws {@link MissingError} if one is not in it, or its slot is damaged: then it is out.
   */
  read(ids: readonly string[]): Uint8Array
  /**
   * Takes a picture in; one that is there already stays as it is.
   *
   * @throws {@link ShapeError} if the pixels are not those of one picture.
   * @throws {@link StoreError} if the disk does not take them.
   */
  write(id: string, pixels: Uint8Array): void
  /** Frees the slots of all other pictures for new ones; returns how many. */
  retain(ids: Iterable<string>): number
  /** Overwrites the slots of pictures that must not be kept, and frees them; returns how many. */
  forget(ids: Iterable<string>): number
  /** Closes the file. */
  close(): void
}

/** Layout of file and slots; a file of another layout is begun anew. */
const format = 1
const idBytes = 32
/** Of a file: 8 bytes of name, format and slot size (uint32 each), preprocessing hash, 16 spare. */
const fileHead = 64
/** Of a slot: image id, CRC-32 of id and pixels, 12 spare. */
const slotHead = 48

const emptyId = '00'.repeat(idBytes)

/** Head of a file that holds slots of this size, made by this preprocessing. */
function headOf(preprocessing: Preprocessing, slotBytes: number): Buffer {
  const head = Buffer.alloc(fileHead)
  head.write('cspixels', 'latin1')
  head.writeUInt32LE(format, 8)
  head.writeUInt32LE(slotBytes, 12)
  head.write(preprocessingHash(preprocessing), 16, 'hex')
  return head
}

function readAt(file: number, length: number, position: number): Buffer {
  const bytes = Buffer.alloc(length)
  readSync(file, bytes, 0, length, position)
  return bytes
}

function writeAt(file: number, bytes: Uint8Array, position: number): void {
  try {
    for (let done = 0; done < bytes.length; ) {
      done += writeSync(file, bytes, done, bytes.length - done, position + done)
    }
  } catch (cause) {
    const message = `pixelCache: expected ${bytes.length} bytes to be written, got ${cause}`
    throw new StoreError(message, { retryable: true, cause })
  }
}

/** Opens the file, begun anew where its head is not the expected one. */
function openFile(path: string, head: Buffer): number {
  // Not 'a+': appending would ignore the position of a write. Not 'w+': it would empty the file.
  const file = openSync(path, 'a')
  closeSync(file)
  const opened = openSync(path, 'r+')
  if (!readAt(opened, fileHead, 0).equals(head)) {
    ftruncateSync(opened, 0)
    writeAt(opened, head, 0)
  }
  return opened
}

function idOf(id: string): Buffer {
  const bytes = Buffer.from(id, 'hex')
  if (bytes.length !== idBytes || id === emptyId) {
    throw new InputError(`pixelCache: expected an image id of 64 hex characters, got ${id}`)
  }
  return bytes
}

/**
 * Opens the cache of one preprocessing: one file, fixed slots, one writer.
 *
 * A slot is written at once and carries its image id and a checksum: after a kill at any point a
 * torn slot counts as missing, and so does one of another preprocessing or size.
 *
 * @param folder - Where the file lies or will lie; made if it is not there.
 * @throws {@link StoreError} if the disk does not take the head of a new file.
 */
export function pixelCache(folder: string, preprocessing: Preprocessing): PixelCache {
  const payload = pixelBytes(preprocessing)
  const slotBytes = slotHead + payload
  const name = `pixels-${preprocessing.size}-${preprocessingHash(preprocessing).slice(0, 12)}.bin`
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  const file = openFile(join(folder, name), headOf(preprocessing, slotBytes))
  const start = (slot: number): number => fileHead + slot * slotBytes

  const slots = new Map<string, number>()
  const free: number[] = []
  let count = Math.floor((fstatSync(file).size - fileHead) / slotBytes)
  for (let slot = 0; slot < count; slot += 1) {
    const id = readAt(file, idBytes, start(slot)).toString('hex')
    if (id === emptyId || slots.has(id)) free.push(slot)
    else slots.set(id, slot)
  }

  function drop(id: string, slot: number): void {
    writeAt(file, Buffer.alloc(idBytes), start(slot))
    slots.delete(id)
    free.push(slot)
  }
  /** Pixels of a whole slot; a damaged one is dropped. */
  function pixelsOf(id: string): Buffer | undefined {
    const slot = slots.get(id)
    if (slot === undefined) return undefined
    const bytes = readAt(file, slotBytes, start(slot))
    const pixels = bytes.subarray(slotHead)
    const isWhole =
      bytes.toString('hex', 0, idBytes) === id &&
      bytes.readUInt32LE(idBytes) === crc32(pixels, crc32(bytes.subarray(0, idBytes)))
    if (isWhole) return pixels
    drop(id, slot)
    return undefined
  }

  return {
    get size() {
      return slots.size
    },
    has: (id) => slots.has(id),
    missing: (ids) => [...new Set(ids)].filter((id) => pixelsOf(id) === undefined),
    read(ids) {
      const result = new Uint8Array(ids.length * payload)
      for (const [i, id] of ids.entries()) {
        const pixels = pixelsOf(id)
        if (pixels === undefined) {
          throw new MissingError(`pixelCache: expected pixels of ${id}, got no whole slot`)
        }
        result.set(pixels, i * payload)
      }
      return result
    },
    write(id, pixels) {
      const key = idOf(id)
      if (pixels.length !== payload) {
        throw new ShapeError(`pixelCache: expected ${payload} bytes, got ${pixels.length}`)
      }
      if (slots.has(id)) return
      const checksum = Buffer.alloc(slotHead - idBytes)
      checksum.writeUInt32LE(crc32(pixels, crc32(key)))
      const slot = free.at(-1) ?? count
      writeAt(file, Buffer.concat([key, checksum, pixels]), start(slot))
      if (slot === count) count += 1
      else free.pop()
      slots.set(id, slot)
    },
    retain(ids) {
      const kept = new Set(ids)
      const others = [...slots].filter(([id]) => !kept.has(id))
      for (const [id, slot] of others) drop(id, slot)
      return others.length
    },
    forget(ids) {
      const known = [...new Set(ids)].flatMap((id) => {
        const slot = slots.get(id)
        return slot === undefined ? [] : [[id, slot] as const]
      })
      for (const [id, slot] of known) {
        writeAt(file, Buffer.alloc(slotBytes), start(slot))
        drop(id, slot)
      }
      return known.length
    },
    close: () => closeSync(file),
  }
}
