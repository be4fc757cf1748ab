import { describe, expect, it } from 'vitest'
import { commandOutput } from '../../lib/cli/output.ts'
import { progressLines } from '../../lib/cli/progress-block.ts'
import { runReporter } from '../../lib/cli/run-reporter.ts'
import type { RoundStatus } from '../../lib/service/events.ts'
import type { RunProgress } from '../../lib/service/run.ts'

const progressOf = (applied: number, round?: RoundStatus): RunProgress => ({
  ingest: { found: 9, sent: 4, known: 2, quarantined: 1, ignored: 0 },
  learner: {
    ...{
      applied,
      heldOut: 0,
      buffered: 0,
      fresh: 0,
      duplicates: 0,
      erased: 0,
      quarantined: 0,
      lag: 3,
    },
    ...{ rounds: 0, stable: undefined, round, driftRatio: 0 },
  },
})
const training = (step: number): RoundStatus => ({
  number: 2,
  progress: { phase: 'train', step, steps: 60, loss: 0.5, valid: 0.25 },
  secondsLeft: 200,
})

/** A reporter of `--json`, what it has printed, and its clock, ms. */
function jsonReporter() {
  const printed: string[] = []
  const clock = { ms: 0 }
  const streams = {
    stdout: { write: (text: string) => printed.push(text) },
    stderr: { write: () => undefined },
  }
  const reporter = runReporter(commandOutput('run', { json: true }, streams), () => clock.ms)
  return { reporter, clock, lines: () => printed.map((text) => JSON.parse(text)) }
}

describe('runReporter with --json', () => {
  it('says where a round stands', () => {
    const { reporter, lines } = jsonReporter()
    reporter.onProgress(progressOf(5, training(30)))
    expect(lines()).toEqual([
      expect.objectContaining({
        ...{ event: 'progress', round: 2, phase: 'train', step: 30, steps: 60 },
        ...{ loss: 0.5, valid: 0.25, secondsLeft: 200, applied: 5, behind: 3 },
      }),
    ])
  })

  it('says where intake stands between rounds', () => {
    const { reporter, lines } = jsonReporter()
    reporter.onProgress(progressOf(5))
    expect(lines()[0]).toMatchObject({ event: 'progress', phase: 'intake', found: 9, read: 7 })
  })

  it('says it every five seconds at most', () => {
    const { reporter, clock, lines } = jsonReporter()
    for (let second = 0; second < 11; second += 1) {
      clock.ms = 1_000 * second
      reporter.onProgress(progressOf(5, training(second)))
    }
    expect(lines().map(({ step }) => step)).toEqual([0, 5, 10])
  })

  it('does not repeat itself while nothing moves', () => {
    const { reporter, clock, lines } = jsonReporter()
    for (const ms of [0, 6_000, 12_000]) {
      clock.ms = ms
      reporter.onProgress(progressOf(5))
    }
    expect(lines()).toHaveLength(1)
  })
})

describe('the live block', () => {
  it('says how long a round still trains, in minutes', () => {
    expect(progressLines(progressOf(5, training(30)), 0)[1]).toContain('about 4 minutes left')
    const soon = progressLines(progressOf(5, { ...training(59), secondsLeft: 20 }), 0)
    expect(soon[1]).toContain('under 1 minute left')
  })

  it('says nothing of time while it does not know', () => {
    const lines = progressLines(progressOf(5, { ...training(0), secondsLeft: undefined }), 0)
    expect(lines[1]).not.toContain('left')
  })
})
