#!/usr/bin/env node
import { exitCodeOf, failureText, isTold, isUnread } from './output.ts'
import { program } from './program.ts'

const isVerbose = process.argv.includes('--verbose')

// What nobody reads is no failure of ours: a command that is short just ends, a long one stops.
for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error) => {
    if (!isUnread(error)) throw error
  })
}

try {
  await program().parseAsync(process.argv)
} catch (error) {
  if (!isTold(error)) process.stderr.write(`${failureText(error, isVerbose)}\n`)
  process.exitCode = exitCodeOf(error)
}
