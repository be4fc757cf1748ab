/**
 * `node functions/bundle/main.ts <function> <folder> [x64|arm64]`: all that a function needs, in a
 * folder that Lambda unpacks. It holds nothing else: no tests, no types, no other platform.
 */
import { arch } from 'node:process'
import { bundleFunction } from './bundle-function.ts'

const [name = '', folder = '', architecture = arch] = process.argv.slice(2)
await bundleFunction(name, folder, architecture === 'arm64' ? 'arm64' : 'x64')
