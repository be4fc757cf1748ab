import { readdirSync, readFileSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import { wasSeen } from '../../lib/learn/duplicates.ts'
import { readState } from '../../lib/service/read-state.ts'
import { camera } from './camera.ts'
import { type LiveApart, liveApart, type Member } from './live-apart.ts'
import type { Proof } from './proof.ts'
import { commonSlope, type Sample } from './slope.ts'

const partitions = 2
/** Little traffic, so that a soak runs beside other work: 6 pictures a second. */
const everyMs = 500
const sampleMs = 2_000
const roundMs = 30_000
const joinMs = 40_000
/** The learner is swapped so often that each life is long enough to have a slope. */
const swaps = 3
const mebibyte = 2 ** 20

/** Members that are there from the beginning. */
const everybody: readonly Member[] = ['serve', 'embed', 'learn', 'learn-2']

/**
 * More than that, by twice its standard error, is a leak: 1 GiB of memory a day is what a role of
 * 3 GiB has to spare between two deployments, 100 handles are a tenth of the usual limit of 1,024.
 */
const bounds = { memory: 1_024 / 1_440, handles: 100 / 1_440 } as const

/** What one life of a process took. */
interface Life {
  readonly name: Member
  readonly memory: Sample[]
  readonly handles: Sample[]
}

/** Resident memory of a process, MiB, and its open handles. */
function measured(pid: number): { memory: number; handles: number } | undefined {
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'utf8')
    const kibibytes = Number(/^VmRSS:\s+(\d+)/m.exec(status)?.[1])
    if (Number.isNaN(kibibytes)) return undefined
    return {
      memory: (kibibytes * 1_024) / mebibyte,
      handles: readdirSync(`/proc/${pid}/fd`).length,
    }
  } catch {
    return undefined // it has ended meanwhile
  }
}

/** Samples every process of the service until it is stopped. */
function sampler(service: LiveApart) {
  const lives = new Map<number, Life>()
  const began = performance.now()
  const sampling = setInterval(() => {
    const at = (performance.now() - began) / 60_000
    for (const name of service.running) {
      const pid = service.pid(name)
      const now = measured(pid)
      if (now === undefined) continue
      const life = lives.get(pid) ?? { name, memory: [], handles: [] }
      lives.set(pid, life)
      life.memory.push({ at, value: now.memory })
      life.handles.push({ at, value: now.handles })
    }
  }, sampleMs)
  return {
    stop: (): readonly Life[] => {
      clearInterval(sampling)
      return [...lives.values()]
    },
  }
}

/** Does something again and again until the end. @returns Waits for that. */
function every(ms: number, signal: AbortSignal, work: () => Promise<unknown>): Promise<void> {
  const go = async () => {
    while (!signal.aborted) {
      await delay(ms, undefined, { signal }).catch(() => undefined)
      if (!signal.aborted) await work()
    }
  }
  return go()
}

/** What is left of a life after its start has settled. */
function settledPart(samples: readonly Sample[], warmUp: number): readonly Sample[] {
  const begin = (samples[0]?.at ?? 0) + warmUp
  return samples.filter(({ at }) => at >= begin)
}

/**
 * Traffic, model refreshes and members that come and go, with slopes of memory and handles of every
 * process after each start has settled. Arguments: minutes (default 30).
 */
export const soak: Proof = async ([minutes = '30']) => {
  const totalMs = 60_000 * Number(minutes)
  const warmUp = Math.min(3, Number(minutes) / 6)
  // What is bounded by the settings is full before the slopes are taken.
  const service = await liveApart({
    partitions,
    settings: {
      learn: {
        ...{ steps: 30, k: 10, start: { fresh: 1_000_000 }, checkpointEvery: '5s' },
        buffer: { capacity: 400 },
      },
      index: { maxVectors: 400 },
    },
  })
  try {
    for (const name of everybody) service.start(name)
    for (const name of everybody) {
      while (!(await service.isReady(name))) await delay(100)
    }
    const pictures = camera(service, { partitions, everyMs })
    const samples = sampler(service)
    const over = AbortSignal.timeout(totalMs)
    const counts = { rounds: 0, joins: 0, swaps: 0 }
    const codes: (number | null)[] = []
    const versions = new Set<string>()
    await Promise.all([
      every(roundMs, over, async () => {
        const { body } = await service.ask('serve', 'data', '/v1/release')
        versions.add(String(body['model']))
        const headers = { 'x-contrastream': '1', 'content-type': 'application/json' }
        const init = { method: 'POST', headers, body: '{}' }
        const { status } = await service.ask('serve', 'admin', '/v1/rounds', init)
        if (status === 202) counts.rounds += 1
      }),
      every(joinMs, over, async () => {
        if (service.running.includes('embed-2')) codes.push(await service.stop('embed-2'))
        else service.start('embed-2')
        counts.joins += 1
      }),
      every(totalMs / (swaps + 1), over, async () => {
        const { body } = await service.ask('learn', 'admin', '/health/ready')
        // A standby says that it is one.
        const isWriter = (body['notes'] as readonly string[] | undefined)?.length === 0
        const writer = isWriter ? 'learn' : 'learn-2'
        codes.push(await service.stop(writer)) // the other one takes over
        service.start(writer)
        counts.swaps += 1
      }),
    ])
    const lives = samples.stop()
    await pictures.stop()
    const pipeline = await service.open()
    const isApplied = async () => {
      const { seen } = (await readState(pipeline)).state
      return [...pictures.acknowledged].every((id) => wasSeen(seen, id))
    }
    for (const end = performance.now() + 120_000; performance.now() < end; await delay(500)) {
      if (await isApplied()) break
    }
    codes.push(...(await service.stopAll()))
    const { state } = await readState(pipeline)
    await pipeline.close()
    const lost = [...pictures.acknowledged].filter((id) => !wasSeen(state.seen, id)).length
    const twice = state.seen.applied - (pictures.acknowledged.size - lost)

    let leaks = 0
    const slopes = [...Map.groupBy(lives, ({ name }) => name)].map(([name, own]) => {
      const texts = (['memory', 'handles'] as const).map((what) => {
        const { slope, standardError } = commonSlope(
          own.map((life) => settledPart(life[what], warmUp)),
        )
        const isLeak = slope - 2 * standardError > bounds[what]
        if (isLeak) leaks += 1
        const last = own.at(-1)?.[what].at(-1)?.value ?? Number.NaN
        const unit = what === 'memory' ? ' MiB' : ''
        return `${what} ${slope.toFixed(3)} ± ${standardError.toFixed(3)}${unit}/min, at last ${last.toFixed(0)}${unit}${isLeak ? ' LEAK' : ''}`
      })
      return `${name}, ${own.length} lives: ${texts.join(' · ')}`
    })
    return {
      lines: [
        `${minutes} minutes, the first ${warmUp.toFixed(1)} of each life left out: ${pictures.acknowledged.size} pictures, ${counts.rounds} rounds asked for, ${versions.size} versions served, embed-2 came or went ${counts.joins} times, learner swapped ${counts.swaps} times`,
        ...slopes,
        `bounds: memory ${bounds.memory.toFixed(3)} MiB/min, handles ${bounds.handles.toFixed(3)}/min, beyond twice the standard error; above them ${leaks}`,
        `lost ${lost}, applied twice ${twice}; exit codes ${codes.join(', ')}; unasked ends ${[service.deaths.length, ...service.deaths].join(' · ')}`,
      ],
      holds: leaks + lost + twice + service.deaths.length === 0 && codes.every((c) => c === 0),
    }
  } finally {
    await service.dispose()
  }
}
