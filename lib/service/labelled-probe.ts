import { stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { Config } from '../config/schema.ts'
import { ConfigError, InputError } from '../errors.ts'
import type { Preprocessing } from '../image/options.ts'
import { defaultMinProbe, smallMinProbe } from '../learn/gate.ts'
import type { LabelledProbe } from '../learn/labelled.ts'
import { decodeFiles } from './decode-files.ts'
import { classNumbers } from './evaluate.ts'
import { type LabelledPicture, labelledPictures } from './labelled-folder.ts'

/** The labelled probe with its pixels, which go to where pixels are read from. */
export interface DecodedProbe extends LabelledProbe {
  /** Shape [n, size, size, channels], one after another. */
  readonly pixels: Uint8Array
}

/**
 * What `gate.labels` names: a folder of class folders, or a CSV whose pictures are relative to it.
 *
 * @returns `undefined` where nothing is set.
 * @throws {@link ConfigError} if it is not there, or holds nothing that could judge.
 */
async function labelledFiles(labels: string): Promise<readonly LabelledPicture[] | undefined> {
  if (labels === '') return undefined
  const found = await stat(labels).catch(() => undefined)
  if (found === undefined) {
    throw new ConfigError(
      `gate.labels: expected a folder of class folders, or a CSV picture,class, at ${labels}, there is none`,
    )
  }
  try {
    return found.isDirectory()
      ? await labelledPictures(labels, 'folders')
      : await labelledPictures(dirname(labels), labels)
  } catch (cause) {
    if (!(cause instanceof InputError)) throw cause
    throw new ConfigError(`gate.labels: ${cause.message}`, { cause })
  }
}

/** Pictures with another one of their class. @throws {@link ConfigError} if they are too few. */
function judging(labels: string, classes: readonly string[]): number {
  const sizes = new Map<string, number>()
  for (const name of classes) sizes.set(name, (sizes.get(name) ?? 0) + 1)
  if (sizes.size < 2) {
    throw new ConfigError(
      `gate.labels: expected at least 2 classes in ${labels}, got ${sizes.size}`,
    )
  }
  const count = [...sizes.values()].reduce((sum, size) => sum + (size > 1 ? size : 0), 0)
  if (count >= smallMinProbe) return count
  throw new ConfigError(
    `gate.labels: expected at least ${smallMinProbe} pictures with another of their class in ${labels}, got ${count}`,
  )
}

/** Each picture once. @throws {@link ConfigError} if one has two classes. */
function distinctRows(
  ids: readonly string[],
  of: (row: number) => LabelledPicture,
): readonly number[] {
  const rows = new Map<string, number>()
  for (const [row, id] of ids.entries()) {
    const first = rows.get(id) ?? row
    rows.set(id, first)
    const [a, b] = [of(first), of(row)]
    if (a.class === b.class) continue
    throw new ConfigError(
      `gate.labels: expected one class a picture, ${a.path} (${a.class}) and ${b.path} (${b.class}) are the same picture`,
    )
  }
  return [...rows.values()]
}

/**
 * The labelled probe that the settings name, decoded as the pipeline does.
 *
 * @param note - Told what was left out, and what to expect of a small probe.
 * @returns `undefined` where none is set.
 * @throws {@link ConfigError} if it is missing or malformed, or has fewer than two classes or
 * twenty pictures that another one of their class could find.
 */
export async function labelledProbe(
  config: Config,
  preprocessing: Preprocessing,
  note: (text: string) => void,
): Promise<DecodedProbe | undefined> {
  const { labels } = config.gate
  const files = await labelledFiles(labels)
  if (files === undefined) return undefined
  judging(
    labels,
    files.map((file) => file.class),
  )
  const paths = files.map(({ path }) => path)
  const decoded = await decodeFiles(paths, config, preprocessing)
  for (const { path, error } of decoded.failed)
    note(`gate.labels: left out ${path}: ${error.message}`)
  const fileOf = (row: number) => files[decoded.rows[row] as number] as LabelledPicture
  const rows = distinctRows(decoded.ids, fileOf)
  const classes = rows.map((row) => fileOf(row).class)
  const count = judging(labels, classes)
  if (count < defaultMinProbe) {
    note(
      `gate.labels: ${count} labelled pictures judge while the profile is small; the standard one needs ${defaultMinProbe}`,
    )
  }
  const each = decoded.pixels.length / decoded.ids.length
  const pixels = new Uint8Array(rows.length * each)
  for (const [to, row] of rows.entries()) {
    pixels.set(decoded.pixels.subarray(row * each, (row + 1) * each), to * each)
  }
  return {
    ids: rows.map((row) => decoded.ids[row] as string),
    classes: classNumbers(classes),
    pixels,
  }
}
