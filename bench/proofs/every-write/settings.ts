import type { ConfigInput } from '../../../lib/config/schema.ts'

/** Settings of the pipelines of this proof: the log keeps an hour, the registry two versions. */
export const settings = {
  log: { retention: { hours: 1 } },
  pictures: { retention: '48h' },
  release: { keep: 2 },
} satisfies ConfigInput
