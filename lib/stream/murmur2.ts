const multiplier = 0x5bd1e995
const shift = 24

/**
 * 32-bit MurmurHash2 with the seed of Kafka's default partitioner.
 *
 * @param key - Bytes of a record's key, of any length.
 * @returns A signed 32-bit integer.
 * @see Austin Appleby, MurmurHash2 (2008, public domain).
 */
export function murmur2(key: Uint8Array): number {
  let hash = 0x9747b28c ^ key.length
  const words = key.length & ~3
  for (let i = 0; i < words; i += 4) {
    hash = Math.imul(hash, multiplier) ^ mix(word(key, i, 4))
  }
  if (words < key.length) hash = Math.imul(hash ^ word(key, words, key.length - words), multiplier)
  hash = Math.imul(hash ^ (hash >>> 13), multiplier)
  return hash ^ (hash >>> 15)
}

/**
 * Partition of a record with this key, as Kafka's Java client chooses it.
 *
 * @param key - Bytes of the key.
 * @param partitions - Number of partitions of the topic, ≥ 1.
 * @returns An integer in [0, partitions).
 */
export function partitionOf(key: Uint8Array, partitions: number): number {
  return (murmur2(key) & 0x7fffffff) % partitions
}

function mix(word: number): number {
  const product = Math.imul(word, multiplier)
  return Math.imul(product ^ (product >>> shift), multiplier)
}

/** Little-endian integer of `length` bytes, 1–4. */
function word(bytes: Uint8Array, start: number, length: number): number {
  let value = 0
  for (let i = 0; i < length; i++) value |= (bytes[start + i] as number) << (8 * i)
  return value
}
