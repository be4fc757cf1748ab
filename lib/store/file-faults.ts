import { InputError, StoreError } from '../errors.ts'
import { storeError } from './sqlite-faults.ts'

interface Rule {
  readonly reason: string
  readonly retryable: boolean
}

const full: Rule = { reason: 'disk-full', retryable: true }
const readOnly: Rule = { reason: 'read-only', retryable: false }
const busy: Rule = { reason: 'busy', retryable: true }

const ruleByCode: Readonly<Record<string, Rule>> = {
  ENOSPC: full,
  EDQUOT: full,
  EROFS: readOnly,
  EACCES: readOnly,
  EPERM: readOnly,
  EMFILE: busy,
  ENFILE: busy,
}

/**
 * Translates an error of the file system or of SQLite for the callers of a blob store.
 *
 * @param where - The call and its subject, the beginning of the message.
 * @returns An error of ours as it is, else a {@link StoreError}; what no rule covers is `io`.
 */
export function blobError(where: string, cause: unknown): StoreError | InputError {
  if (cause instanceof StoreError || cause instanceof InputError) return cause
  const { syscall, code, message } = cause as NodeJS.ErrnoException
  if (syscall === undefined) return storeError(where, cause)
  const rule = ruleByCode[code ?? ''] ?? { reason: 'io', retryable: false }
  return new StoreError(`${where}: expected the folder to take it, got: ${message}`, {
    ...rule,
    cause,
  })
}
