import { readFileSync } from 'node:fs'

const manifest = (): { readonly version: string } => {
  // From `lib/service` in a checkout, from `dist/lib/service` in the package.
  for (const up of ['../../package.json', '../../../package.json']) {
    try {
      return JSON.parse(readFileSync(new URL(up, import.meta.url), 'utf8'))
    } catch {}
  }
  return { version: '0.0.0' }
}

/** Version of this program. */
export const programVersion: string = manifest().version
