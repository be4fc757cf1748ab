import { deepEqual, equal, ok } from 'node:assert/strict'
import type { Loaded } from '../../../lib/learn/checkpoint.ts'
import { versionNumber } from '../../../lib/registry/version-id.ts'
import { outletsOf } from '../../../test/support/learner.ts'
import type { Ports } from './place.ts'

/** What must hold of checkpoint and registry whenever a start has gone through. */
export async function expectSoundRegistry(ports: Ports, fence: number): Promise<void> {
  const { registry, checkpoints } = outletsOf(ports, fence)
  const { saved, parts, fallback } = (await checkpoints.load()) as Loaded
  equal(saved.head.pending, undefined, 'a publish is still under way')
  equal(fallback, undefined, 'a checkpoint is damaged')
  deepEqual(parts['buffer']?.json, { applied: saved.head.offsets['images.unlabeled/0'] })
  const numbers = (await registry.versions.list()).map(({ version }) => versionNumber(version))
  const gapless = numbers.map((_, i) => i + 1)
  deepEqual(numbers.toReversed(), gapless, 'numbers of versions have a gap')
  equal(saved.head.model.next, numbers.length + 1)
  for (const n of numbers) await registry.loadVersion(`v${n}`)
  let moves = 0
  for (const name of ['candidate', 'stable'] as const) {
    const state = await registry[name].read()
    equal(versionNumber(state?.version ?? ''), numbers[0], `${name} names another version`)
    const audited = await registry.audit.moves(name)
    deepEqual(
      audited.map(({ version }) => versionNumber(version)),
      gapless,
      'the audit has a gap',
    )
    equal(audited.at(-1)?.seq, state?.seq)
    moves += audited.length
  }
  const hints = (await ports.stream.watermarks('models.published'))[0]?.high ?? 0
  ok(hints >= moves, `${moves} moves, ${hints} hints`)
  const judged = (await registry.audit.rounds()).map(({ version }) => versionNumber(version ?? ''))
  deepEqual(judged, gapless.slice(1), 'a verdict is missing')
}
