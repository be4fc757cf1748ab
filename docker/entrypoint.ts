/** First process of the image: secrets into files, then the program with its arguments. */
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { secretFiles } from '../lib/cloud/secret-files.ts'

// The program's own configuration begins here, before it reads it.
// biome-ignore lint/style/noProcessEnv: this is where the environment comes in.
secretFiles(process.env, join(tmpdir(), 'contrastream-secrets'))
await import('../lib/cli/main.ts')
