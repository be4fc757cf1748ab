import { readdir, readFile } from 'node:fs/promises'
import { dirname, extname, join, relative, resolve } from 'node:path'
import { InputError } from '../errors.ts'

/** A picture and its class. */
export interface LabelledPicture {
  readonly path: string
  readonly class: string
}

const endings = new Set(['.jpg', '.jpeg', '.png', '.webp', '.gif', '.avif', '.tif', '.tiff'])

async function picturesUnder(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true, recursive: true })
  return entries
    .filter((entry) => entry.isFile() && endings.has(extname(entry.name).toLowerCase()))
    .map((entry) => join(entry.parentPath, entry.name))
    .sort()
}

async function fromCsv(folder: string, csv: string): Promise<LabelledPicture[]> {
  const lines = (await readFile(csv, 'utf8')).split(/\r?\n/).filter((line) => line.trim() !== '')
  const [header, ...rows] = lines
  if (header?.replaceAll(' ', '') !== 'picture,class') {
    throw new InputError(`${csv}: expected the first line picture,class, got '${header ?? ''}'`)
  }
  return rows.map((row, i) => {
    const at = row.lastIndexOf(',')
    if (at < 1)
      throw new InputError(`${csv}: expected picture,class in line ${i + 2}, got '${row}'`)
    return { path: resolve(folder, row.slice(0, at).trim()), class: row.slice(at + 1).trim() }
  })
}

/**
 * Pictures with their classes, in the order of their paths.
 *
 * @param labels - `folders`: the class is the parent folder's path; else the path of a CSV with
 * the columns picture and class, pictures relative to `folder`.
 * @throws {@link InputError} if nothing is found, or the CSV is malformed.
 */
export async function labelledPictures(
  folder: string,
  labels: string,
): Promise<readonly LabelledPicture[]> {
  const read = async () => {
    if (labels !== 'folders') return fromCsv(folder, labels)
    const paths = await picturesUnder(folder)
    return paths.map((path) => ({ path, class: relative(folder, dirname(path)) }))
  }
  const found = await read().catch((cause: unknown) => {
    if (cause instanceof InputError) throw cause
    const code = (cause as NodeJS.ErrnoException).code ?? String(cause)
    throw new InputError(`${folder}: expected labelled pictures, got ${code}`, { cause })
  })
  if (found.length === 0) throw new InputError(`${folder}: expected pictures, found none`)
  return found
}
