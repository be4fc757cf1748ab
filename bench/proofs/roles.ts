import { setTimeout as delay } from 'node:timers/promises'
import { checkConfig } from '../../lib/config/load.ts'
import { type Random, randomStream } from '../../lib/engine/random.ts'
import { wasSeen } from '../../lib/learn/duplicates.ts'
import { openPipeline } from '../../lib/service/open-pipeline.ts'
import { readState } from '../../lib/service/read-state.ts'
import { quantile } from './live-load.ts'
import { processesOf } from './live-processes.ts'
import { type Answer, type LiveService, liveService, newPicture, until } from './live-service.ts'
import type { Proof } from './proof.ts'

const names = ['serve', 'embed', 'learn'] as const
type Name = (typeof names)[number]

/** The fifth death of a role within ten minutes ends a run, as it should: then comes another run. */
const deathsEach = 4
const killsARun = 10
const betweenPicturesMs = 50
const betweenMovesMs = 5_000

const pidOf = (service: LiveService, name: Name): number | undefined =>
  processesOf(service.pid).find((one) => one.name === name)?.pid

/** Pictures that the learner says it has applied. */
const applied = ({ events }: LiveService): number =>
  Number(events.findLast(({ event }) => event === 'progress')?.['applied'] ?? 0)

/** Everything that clients do, until they are stopped. */
function clients(service: LiveService) {
  const acknowledged = new Set<string>()
  const answers: Answer[] = []
  let sent = 0
  let isOver = false
  const next = async (): Promise<Uint8Array> => {
    sent += 1
    return newPicture(sent)
  }
  /** Sends a picture again until it is acknowledged. */
  const hand = async (picture: Uint8Array): Promise<string> => {
    for (;;) {
      const { status, body } = await service.post('/v1/images', picture)
      if (status === 202) {
        const id = String(body['id'])
        acknowledged.add(id)
        return id
      }
      await delay(betweenPicturesMs)
    }
  }
  const produce = async (): Promise<void> => {
    while (!isOver) {
      await hand(await next())
      await delay(betweenPicturesMs)
    }
  }
  const ask = async (path: string): Promise<void> => {
    const picture = await newPicture(0)
    while (!isOver) {
      const answer = await service.post(path, picture)
      answers.push(answer)
      if (answer.status !== 200) await delay(betweenPicturesMs)
    }
  }
  /** Rounds and moves of `stable`, so that kills hit them, too. */
  const operate = async (): Promise<void> => {
    const [first, second] = service.versions
    for (let turn = 0; !isOver; turn += 1) {
      const { model } = await service.release()
      if (turn % 4 === 0) await service.post('/v1/rounds', {})
      if (model === first) await service.post(`/v1/models/${second}/promote`, { expects: model })
      else if (model !== undefined) await service.post('/v1/rollback', { expects: model })
      await delay(betweenMovesMs)
    }
  }
  const all = Promise.all([produce(), ask('/v1/embed'), ask('/v1/search?k=10'), operate()])
  return {
    acknowledged,
    answers,
    next,
    hand,
    stop: async () => {
      isOver = true
      await all
    },
  }
}
type Clients = ReturnType<typeof clients>

/** Whether a search finds a picture as the nearest to itself. */
async function isFound(service: LiveService, id: string, picture: Uint8Array): Promise<boolean> {
  const { body } = await service.post('/v1/search?k=1', picture)
  const [nearest] = (body['neighbours'] ?? []) as readonly { readonly id: string }[]
  return nearest?.id === id
}

/** Kills a role. @returns ms until another one does its work, on a picture sent meanwhile. */
async function kill(service: LiveService, name: Name, { next, hand, acknowledged }: Clients) {
  const before = pidOf(service, name) as number
  const began = performance.now()
  process.kill(before, 'SIGKILL')
  await until(() => ![undefined, before].includes(pidOf(service, name)))
  const picture = await next()
  const id = await hand(picture)
  if (name === 'learn') {
    const goal = service.pictures + acknowledged.size
    await until(() => applied(service) >= goal)
  } else await until(() => isFound(service, id, picture))
  return performance.now() - began
}

/** So many roles in random order, none of them too often for one run. */
function order(random: Random, count: number): readonly Name[] {
  const all = names.flatMap((name) => Array.from({ length: deathsEach }, () => name))
  const shuffled = all.map((name) => ({ name, at: random.uniform() })).sort((a, b) => a.at - b.at)
  return shuffled.slice(0, count).map(({ name }) => name)
}

/** What the data folder says, once nothing runs on it. */
async function afterwards(service: LiveService, { acknowledged, answers }: Clients) {
  const pipeline = await openPipeline(checkConfig({ data: service.data }))
  try {
    const { state } = await readState(pipeline)
    const present = await pipeline.registry.stable.read()
    const moves = [
      ...(await pipeline.registry.audit.moves('stable')),
      ...(present ? [present] : []),
    ]
    const releases = new Set(
      moves.flatMap(({ version, generation }) => [version, `${version} ${generation}`]),
    )
    const nameOf = ({ model, generation }: Answer['body']) =>
      generation === undefined ? String(model) : `${model} ${generation}`
    return {
      lost: [...acknowledged].filter((id) => !wasSeen(state.seen, id)).length,
      twice: state.seen.applied - acknowledged.size - service.pictures,
      apart: answers.filter(({ status, body }) => status === 200 && !releases.has(nameOf(body)))
        .length,
      moves: moves.length,
    }
  } finally {
    await pipeline.close()
  }
}

/**
 * SIGKILLs of the roles of a service under load, with rounds, promotions and rollbacks going on.
 * Arguments: number of kills (default 50), seed (default 1).
 */
export const roles: Proof = async ([count = '50', seed = '1']) => {
  const random = randomStream(Number(seed), 'roles')
  const service = await liveService(['learn.checkpointEvery=5s'])
  try {
    const load = clients(service)
    const times: { readonly name: Name; readonly ms: number }[] = []
    for (let left = Number(count); left > 0; left -= killsARun) {
      for (const name of order(random, Math.min(left, killsARun))) {
        await delay(random.integer(3_000))
        times.push({ name, ms: await kill(service, name, load) })
      }
      if (left > killsARun) await service.restart()
    }
    await load.stop()
    const total = service.pictures + load.acknowledged.size
    await until(async () => applied(service) >= total)
    await until(async () => (await service.release())['vectors'] === total)
    const code = await service.stop()
    const { lost, twice, apart, moves } = await afterwards(service, load)
    const odd = load.answers.filter(({ status }) => ![0, 200, 503].includes(status))
    const back = names.map((name) => {
      const own = times.filter((one) => one.name === name).map(({ ms }) => ms / 1_000)
      return `${name} ${own.length} × median ${quantile(own, 0.5).toFixed(1)} s, longest ${Math.max(...own).toFixed(1)} s`
    })
    return {
      lines: [
        `${times.length} kills, seed ${seed} · until the role does its work again: ${back.join(' · ')}`,
        `${load.acknowledged.size} pictures acknowledged while roles were killed; lost ${lost}, applied twice ${twice}`,
        `${load.answers.length} answers over ${moves} moves of stable; model and index apart ${apart}, neither answered nor 503 ${odd.length}; exit code ${code}`,
      ],
      holds: lost === 0 && twice === 0 && apart === 0 && odd.length === 0 && code === 0,
    }
  } finally {
    await service.stop()
    service.remove()
  }
}
