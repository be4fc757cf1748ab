import type { RunProgress } from '../service/run.ts'
import type { Output } from './output.ts'

/** The live lines of a run: redrawn in place on a terminal, now and then elsewhere. */
export interface ProgressBlock {
  /** A line that scrolls above the block. */
  line(text: string): void
  update(progress: RunProgress): void
  end(): void
}

/** Seconds between two lines where nothing can be redrawn. */
const plainEvery = 10

/** Seconds as whole minutes, as nobody wants to see them jump. */
const minutes = (seconds: number): string =>
  seconds < 60 ? 'under 1 minute' : `about ${Math.ceil(seconds / 60)} minutes`

const percent = (share: number): string => `${Math.round(100 * share)} %`

/** The block as lines: what came in, what is learnt. */
export function progressLines(
  { ingest, learner, embed, serve }: RunProgress,
  perSecond: number,
): string[] {
  const read = ingest.sent + ingest.known + ingest.quarantined
  const rate = perSecond > 0 ? ` · ${perSecond.toFixed(0)}/s` : ''
  const left =
    perSecond > 0 && learner.lag > 0 ? ` · ${Math.ceil(learner.lag / perSecond)}s left` : ''
  const lines = [
    `ingest  ${read} of ${ingest.found} pictures read · ${learner.applied} applied${rate} · ${learner.lag} behind${left} · ${learner.duplicates} duplicates · ${learner.quarantined + ingest.quarantined} in quarantine`,
  ]
  const { round } = learner
  if (round === undefined) {
    lines.push(
      `learn   ${learner.buffered} buffered, ${learner.fresh} new · ${learner.heldOut} held out · stable ${learner.stable ?? 'none'}`,
    )
  } else {
    const { progress, secondsLeft } = round
    const remaining = secondsLeft === undefined ? '' : ` · ${minutes(secondsLeft)} left`
    const figures =
      'loss' in progress && progress.step > 0
        ? ` · loss ${progress.loss.toFixed(3)} · valid ${percent(progress.valid)}`
        : ''
    lines.push(
      `learn   round ${round.number} · ${progress.phase} ${progress.step}/${progress.steps}${figures}${remaining}`,
    )
  }
  if (embed !== undefined) {
    const { embedded, lag = 0, building } = embed
    const index =
      building === undefined ? '' : ` · builds ${building.id}, ${percent(building.coverage)}`
    lines.push(`embed   ${embedded} embedded · ${lag} behind${index}`)
  }
  if (serve !== undefined) {
    const { release, addresses } = serve
    const what =
      release === undefined ? 'loads a model' : `${release.version} · ${release.vectors} vectors`
    lines.push(`serve   ${what} · ${addresses.data}`)
  }
  return lines
}

/** The block of one command; silent with `--quiet` and `--json`. */
export function progressBlock(output: Output): ProgressBlock {
  const stream = process.stderr
  const isSilent = output.isQuiet || output.isJson
  const isLive = stream.isTTY === true && !isSilent
  let drawn = 0
  let ticks = 0
  let before: number | undefined
  let lines: string[] = []
  const clear = () => {
    if (drawn > 0) stream.write(`\u001b[${drawn}F\u001b[J`)
    drawn = 0
  }
  const draw = () => {
    const width = (stream.columns ?? 80) - 1
    for (const line of lines) stream.write(`${line.slice(0, width)}\n`)
    drawn = lines.length
  }
  return {
    line: (text) => {
      if (isSilent) return
      clear()
      stream.write(`${text}\n`)
      if (isLive) draw()
    },
    update: (progress) => {
      const { applied } = progress.learner
      const perSecond = before === undefined ? 0 : applied - before
      before = applied
      lines = progressLines(progress, perSecond)
      ticks += 1
      if (isLive) {
        clear()
        draw()
      } else if (!isSilent && ticks % plainEvery === 0) stream.write(`${lines.join(' | ')}\n`)
    },
    end: () => {
      clear()
      lines = []
    },
  }
}
