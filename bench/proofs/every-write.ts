import { PipelineError } from '../../lib/errors.ts'
import { blob } from './every-write/blob.ts'
import { checkpoint } from './every-write/checkpoint.ts'
import { collection } from './every-write/collection.ts'
import { document } from './every-write/document.ts'
import { erasure } from './every-write/erasure.ts'
import { local } from './every-write/local-place.ts'
import type { Failing, Kind, Place, Plan } from './every-write/place.ts'
import { publishing } from './every-write/publish.ts'
import { record } from './every-write/record.ts'
import { releasing } from './every-write/release.ts'
import { s3Kind } from './every-write/s3-place.ts'
import type { WritePath, Writing } from './every-write/writing.ts'
import type { Proof } from './proof.ts'

const paths = [record, blob, document, checkpoint, publishing, releasing, erasure, collection]
/** What breaks so often needs no more evidence. */
const mostBroken = 20
/** A history this long is left for a new one: what is checked grows with it. */
const turnsEach = 8

/** What is wrong with how a process ended; nothing if it may end so. */
function misbehaviour(error: unknown, { hasFailed, isDead }: Failing): string | undefined {
  if (hasFailed && (isDead || error instanceof PipelineError)) return undefined
  return `${hasFailed ? 'an error of its own' : 'nothing had failed'}: ${String(error)}`
}

/** Runs it once with one operation that fails. @returns Whether none did: it is complete. */
async function attempt(place: Place, writing: Writing, plan: Plan): Promise<boolean> {
  const failing = await place.failing(plan)
  let fault: string | undefined
  try {
    await failing.within(() => writing.run(failing.ports))
  } catch (error) {
    fault = misbehaviour(error, failing)
  } finally {
    await failing.close()
  }
  if (fault !== undefined) throw new Error(fault)
  await place.sound((ports) => writing.recover(ports))
  return !failing.hasFailed
}

/** How a path came through. */
interface Tried {
  /** Operations of a run that nothing happened to. */
  readonly operations: number
  readonly runs: number
  readonly broken: readonly string[]
}

/** Fails the 1st, 2nd, … operation, in every way, until a run is complete. */
async function failEvery(kind: Kind, path: WritePath): Promise<Tried> {
  const broken: string[] = []
  let operations = 0
  let runs = 0
  for (const failure of kind.failures) {
    let home: { readonly place: Place; readonly writing: Writing } | undefined
    for (let at = 1, isComplete = false; !isComplete && broken.length < mostBroken; at += 1) {
      if (home === undefined) {
        const place = await kind.empty()
        home = { place, writing: await place.sound((ports) => path.begin(ports)) }
      }
      home.place.advance(home.writing.everyMs ?? 0)
      runs += 1
      const plan = { at, failure, countReads: path.writesOnly !== true }
      const ended = await attempt(home.place, home.writing, plan).catch((error: unknown) => {
        broken.push(`operation ${at} ${failure}: ${error instanceof Error ? error.message : error}`)
        return undefined
      })
      isComplete = ended === true
      operations = Math.max(operations, at - 1)
      if (isComplete || ended === undefined || at % turnsEach === 0) {
        await home.place.dispose()
        home = undefined
      }
    }
  }
  return { operations, runs, broken }
}

/**
 * Each way in which this program writes, on both kinds of stores, of which the 1st, 2nd, …
 * operation fails in every way, with a start after each: nothing may be lost, nothing half there.
 * Arguments: names of paths, and `local` or `s3`; absent: all of them.
 */
export const everyWrite: Proof = async (args) => {
  const kinds = [
    ...(args.includes('s3') ? [] : [async () => local]),
    ...(args.includes('local') ? [] : [s3Kind]),
  ]
  const named = paths.filter(({ name }) => args.includes(name))
  const chosen = named.length === 0 ? paths : named
  let count = 0
  for (const open of kinds) {
    const kind = await open()
    try {
      for (const path of chosen) {
        const began = performance.now()
        const { operations, runs, broken } = await failEvery(kind, path)
        const seconds = ((performance.now() - began) / 1_000).toFixed(0)
        const counted = path.writesOnly === true ? 'writing operations' : 'operations'
        console.log(
          `${kind.name} · ${path.name.padEnd(10)} · ${operations} ${counted}, each failed in ${kind.failures.length} ways, ${runs} runs, ${seconds} s · broken ${broken.length}`,
        )
        for (const one of broken.slice(0, 5)) console.log(`  ${one.split('\n')[0]}`)
        count += broken.length
      }
    } finally {
      await kind.dispose()
    }
  }
  return { lines: [`invariants broken: ${count}`], holds: count === 0 }
}
