import { expect, it } from 'vitest'
import { checkConfig } from '../../lib/config/load.ts'
import { emptyState } from '../../lib/learn/state.ts'
import { openRegistry } from '../../lib/registry/registry.ts'
import type { LearnerMemory, LearnerParts } from '../../lib/service/learner-memory.ts'
import { type EndedRound, learnerVerdicts } from '../../lib/service/learner-verdicts.ts'
import { outletsOf } from '../support/learner.ts'
import { temporaryPipeline } from '../support/stores.ts'

type Dismissed = EndedRound<Parameters<ReturnType<typeof learnerVerdicts>['dismiss']>[0]['result']>

const training = { ended: 'no-clusters' as const, steps: 0, skipped: 0, seconds: 0 }
const ended: Dismissed = {
  round: { number: 3, seed: 1, parts: {} },
  frozen: emptyState,
  ids: [],
  result: {
    outcome: 'nothing',
    reason: 'nothing to learn',
    training: { ...training, loss: 0, valid: 0, clusterings: [], monitored: [] },
  },
}

it('keeps why a round came to nothing, even if it is killed before its checkpoint', async () => {
  const stores = await temporaryPipeline()
  const registry = openRegistry({ ...stores, name: 'main' })
  let writes = 0
  let at = 5
  const verdicts = learnerVerdicts({
    parts: {
      pipeline: { ...stores, registry },
      config: checkConfig({}),
      now: () => at++,
      onEvent: () => undefined,
    } as unknown as LearnerParts,
    memory: { state: emptyState, champion: { version: `v1-${'a'.repeat(12)}` } } as LearnerMemory,
    out: outletsOf(stores, 4),
    checkpoints: {
      exclusively: (work) => work(),
      write: async () => {
        writes += 1
        if (writes === 1) throw new Error('killed')
      },
      content: () => {
        throw new Error('not asked for')
      },
      keep: () => undefined,
    },
    versions: {} as Parameters<typeof learnerVerdicts>[0]['versions'],
  })
  await expect(verdicts.dismiss(ended)).rejects.toThrow('killed')
  const first = await registry.audit.rounds()
  expect(first).toMatchObject([
    { round: 3, fence: 4, gate: { verdict: 'hold', reason: 'nothing to learn' } },
  ])
  await verdicts.dismiss(ended)
  expect(await registry.audit.rounds()).toEqual(first)
})
