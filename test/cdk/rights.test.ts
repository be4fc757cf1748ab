import { describe, expect, it } from 'vitest'
import type { Template } from '../../bench/proofs/assembly.ts'
import { may, type Statement, statementsOf } from '../../bench/proofs/policies.ts'
import { synthesise } from './support.ts'

const statements = (): readonly Statement[] =>
  Object.values(synthesise().templates).flatMap((one) => statementsOf(one.toJSON() as Template))

describe('rights', () => {
  it('name no action with a wildcard', () => {
    const actions = statements().flatMap((one) => one.actions)
    expect(actions.length).toBeGreaterThan(50)
    expect(actions.filter((action) => action.includes('*'))).toEqual([])
  })

  it('let ingest write pictures, and no model', () => {
    const mayWrite = (key: string) => may(statements(), 'ingestrole', 's3:PutObject', key)
    expect(mayWrite('main/blobs/pictures/ab/abc')).toBe(true)
    expect(mayWrite('main/blobs/models/ab/abc')).toBe(false)
    expect(mayWrite('other/blobs/pictures/ab/abc')).toBe(false)
  })

  it('let serve and infer write nothing', () => {
    const writers = statements().filter(
      ({ role, actions }) =>
        /^(serve|infer)/.test(role) &&
        actions.some((action) =>
          /^(s3:(Put|Delete)|kafka-cluster:(Write|Create|Alter)(?!Group))/.test(action),
        ),
    )
    expect(writers).toEqual([])
  })

  it('let collection alone delete', () => {
    const deleters = statements().filter(({ actions }) => actions.includes('s3:DeleteObject'))
    expect(deleters.map(({ role }) => role)).toEqual([expect.stringMatching(/^collection/)])
  })

  it('let only roles that run as services make topics', () => {
    const makers = statements().filter(({ actions }) =>
      actions.includes('kafka-cluster:CreateTopic'),
    )
    expect(makers.map(({ role }) => role.replace(/taskrole.*/, '')).sort()).toEqual([
      'embed',
      'learner',
    ])
  })
})
