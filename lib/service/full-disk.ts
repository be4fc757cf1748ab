import { PipelineError, StoreError } from '../errors.ts'

/** A full disk as the error of the folder that it is full of; any other error as it is. */
export function fullDisk(error: unknown, folder: string): unknown {
  if (!(error instanceof PipelineError) || error.reason !== 'disk-full') return error
  const message = `run: expected room on the disk of ${folder}, got none (${error.message}); free space and run again, nothing that was taken in is lost`
  return new StoreError(message, { reason: 'disk-full', retryable: true, cause: error })
}
