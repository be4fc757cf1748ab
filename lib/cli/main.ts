#!/usr/bin/env node
import { exitCodeOf, failureText } from './output.ts'
import { program } from './program.ts'

const isVerbose = process.argv.includes('--verbose')

try {
  await program().parseAsync(process.argv)
} catch (error) {
  process.stderr.write(`${failureText(error, isVerbose)}\n`)
  process.exitCode = exitCodeOf(error)
}
