import { deepEqual, equal } from 'node:assert/strict'
import { versionNumber } from '../../../lib/registry/version-id.ts'
import type { Generation } from '../../../lib/search/generation.ts'
import {
  contentOf,
  drive,
  embedderOn,
  pictureIds,
  publishBaseline,
  publishCandidate,
  sendPictures,
  servedGeneration,
} from '../../../test/service/embedder-support.ts'
import type { Ports } from './place.ts'
import type { WritePath } from './writing.ts'

const picturesEach = 3

/** An embedder works until `stable` names a version, with all that there is in its index. */
async function release(ports: Ports, n: number): Promise<void> {
  const one = embedderOn(ports)
  const { embedder } = one
  const isReleased = async (): Promise<boolean> =>
    (await ports.registry.stable.read())?.version.startsWith(`v${n}-`) ?? false
  try {
    await drive(one, isReleased)
    await drive(one, () => embedder.status.lag === 0 && embedder.status.building === undefined)
    await embedder.stop()
  } catch (error) {
    await embedder.stop().catch(() => undefined)
    throw error
  }
}

/** A new version gets its index, with pictures that come in meanwhile: both at once, or neither. */
export const releasing: WritePath = {
  name: 'release',
  writesOnly: true,
  begin: async (ports) => {
    let n = 1
    let sent = 0
    const prepare = async (some: Ports): Promise<void> => {
      await sendPictures(some, sent, sent + picturesEach)
      sent += picturesEach
      n += 1
      await publishCandidate(some, n)
    }
    await publishBaseline(ports)
    await release(ports, 1)
    await prepare(ports)
    return {
      run: (some) => release(some, n),
      recover: async (some) => {
        const { registry } = some
        const before = await registry.stable.read()
        const hasMoved = before?.version.startsWith(`v${n}-`) ?? false
        if (hasMoved) equal(before?.generation, `${before?.version}.1`, 'a model without its index')
        else equal(versionNumber(before?.version ?? ''), n - 1)
        await release(some, n)
        const generation = (await servedGeneration(some)) as Generation
        equal(generation.state, 'ready')
        deepEqual([generation.coverage, generation.recall], [1, 1])
        const { ids, areOwn } = await contentOf(some, generation)
        deepEqual(ids.sort(), pictureIds(0, sent).sort(), 'a picture is lost, or there twice')
        equal(areOwn, true, 'vectors of another model')
        const moves = (await registry.audit.moves('stable')).map(({ seq }) => seq)
        deepEqual(
          moves,
          moves.map((_, i) => i + 1),
          'the audit has a gap',
        )
        await prepare(some)
      },
    }
  },
}
