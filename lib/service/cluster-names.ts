import { z } from 'zod'
import { ConflictError, InputError, RegistryError } from '../errors.ts'
import type { ClusterEvent, LearnerState } from '../learn/state.ts'
import {
  type DocumentKind,
  listAll,
  readDocument,
  readFound,
  writeOver,
} from '../registry/document.ts'
import type { DocumentStore } from '../store/types.ts'

const maxNameLength = 200

const kind: DocumentKind<{ readonly format: 1; readonly name: string }> = {
  format: 1,
  error: RegistryError,
  schema: z.strictObject({ format: z.literal(1), name: z.string().min(1).max(maxNameLength) }),
}
const prefix = 'names/'

/** Gives a cluster without a name the name of one that was merged into it, oldest event first. */
export function inheritNames(
  given: ReadonlyMap<number, string>,
  events: readonly ClusterEvent[],
): ReadonlyMap<number, string> {
  const names = new Map(given)
  for (const { kind, identity, of } of events) {
    const name = names.get(identity)
    if (kind === 'merge' && of !== undefined && name !== undefined && !names.has(of)) {
      names.set(of, name)
    }
  }
  return names
}

/**
 * Names that people gave to clusters, by identity: they outlive rounds, and merges.
 *
 * @param state - Whose clusters they are.
 */
export async function clusterNames(
  documents: DocumentStore,
  { clusters }: Pick<LearnerState, 'clusters'>,
): Promise<ReadonlyMap<number, string>> {
  const keys = await listAll(documents, prefix)
  const named = keys.map(async (key): Promise<[number, string][]> => {
    const found = await readFound(documents, key)
    if (found === undefined) return []
    return [[Number(key.slice(prefix.length)), readDocument(key, found.value, kind).name]]
  })
  return inheritNames(new Map((await Promise.all(named)).flat()), clusters?.events ?? [])
}

/**
 * Names a cluster, or renames it.
 *
 * @param identity - Of the cluster; whether it lives is the caller's matter.
 * @throws {@link InputError} if the name is empty or longer than 200 characters,
 * {@link ConflictError} if somebody else names it at the same moment.
 */
export async function nameCluster(
  documents: DocumentStore,
  identity: number,
  text: string,
): Promise<void> {
  const name = text.trim()
  if (name.length < 1 || name.length > maxNameLength) {
    throw new InputError(
      `cluster name: expected 1 to ${maxNameLength} characters, got ${name.length}`,
    )
  }
  const key = `${prefix}${identity}`
  const value = { format: 1, name }
  const found = await readFound(documents, key)
  const write = await writeOver(documents, key, value, found)
  if (write.ok) return
  throw new ConflictError(`${key}: expected it unchanged, somebody named it meanwhile`)
}
