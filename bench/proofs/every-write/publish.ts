import type { Loaded, Saved } from '../../../lib/learn/checkpoint.ts'
import { publish, releaseWithoutIndex, resumePublish } from '../../../lib/learn/publish.ts'
import { outletsOf, publicationAfter, stateAfter, stateAt } from '../../../test/support/learner.ts'
import type { Ports } from './place.ts'
import { expectSoundRegistry } from './sound-registry.ts'
import type { WritePath } from './writing.ts'

const auto = { promotion: 'auto' } as const

const load = async (ports: Ports, fence: number): Promise<Saved> =>
  ((await outletsOf(ports, fence).checkpoints.load()) as Loaded).saved

/** Applies, publishes the next version, and releases it: what a learner without an index does. */
async function work(ports: Ports, fence: number): Promise<void> {
  const out = outletsOf(ports, fence)
  const saved = await load(ports, fence)
  await out.registry.candidate.adopt(fence)
  const champion = (await out.registry.stable.read())?.version
  const records = (saved.head.offsets['images.unlabeled/0'] ?? 0) + 10
  const applied = await out.checkpoints.replace(saved, stateAfter(saved, records))
  await publish(applied, publicationAfter(applied, champion), out)
  await releaseWithoutIndex(out, auto)
}

/** A learner that publishes, and the one after it that completes what it finds. */
export const publishing: WritePath = {
  name: 'publish',
  begin: async (ports) => {
    let fence = 1
    const out = outletsOf(ports, fence)
    const first = await out.checkpoints.replace(undefined, stateAt(10))
    await publish(first, publicationAfter(first), out)
    await releaseWithoutIndex(out, auto)
    return {
      run: async (some) => {
        fence += 1
        await work(some, fence)
      },
      recover: async (some) => {
        fence += 1
        const next = outletsOf(some, fence)
        const saved = await load(some, fence)
        await next.registry.candidate.adopt(fence)
        await resumePublish(saved, next)
        await releaseWithoutIndex(next, auto)
        await expectSoundRegistry(some, fence)
      },
    }
  },
}
