import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { synthesise } from './assembly.ts'
import { may, type Statement, statementsOf } from './policies.ts'
import type { Proof } from './proof.ts'

/** Roles by how their logical ids begin, and one key of everything that there is to write. */
const roles = {
  ingest: 'ingestrole',
  embed: 'embedtaskrole',
  learn: 'learnertaskrole',
  serve: 'servetaskrole',
  infer: 'inferrole',
  'model-published': 'modelpublishedrole',
  collect: 'collectiontaskrole',
  operator: 'operator',
} as const
const keys = [
  'blobs/pictures/ab/abc',
  'kept/ab/abc',
  'blobs/state/ab/abc',
  'blobs/models/ab/abc',
  'blobs/index/ab/abc',
  'blobs/quarantine/ab/abc',
  'docs/pipeline.json',
  'docs/lease/learn.json',
  'docs/lease/gc.json',
  'docs/checkpoint/main/head.json',
  'docs/versions/1.json',
  'docs/channels/candidate.json',
  'docs/channels/stable.json',
  'docs/generations/v1-0123456789ab.1.json',
  'docs/audit/candidate/00000000000000000001.json',
  'docs/audit/stable/00000000000000000001.json',
  'docs/audit/rounds/1.json',
  'docs/requests/round.json',
  'docs/names/7.json',
  'docs/tokens/t.json',
  'docs/erased/abc.json',
  'docs/progress/main.json',
  'docs/maps/v1-0123456789ab.json',
] as const
const topics = ['images.unlabeled', 'images.embedded', 'images.dead', 'models.published'] as const

/** What each role must be able to write, and nothing else; who deletes; who writes which topic. */
const expected: Readonly<
  Record<keyof typeof roles, { readonly writes: RegExp; readonly produces: readonly string[] }>
> = {
  ingest: { writes: /^blobs\/pictures/, produces: ['images.unlabeled', 'images.dead'] },
  embed: {
    writes:
      /^(blobs\/(pictures|index|quarantine)|kept|docs\/(generations|channels\/stable|audit\/stable|erased))/,
    produces: ['images.embedded', 'images.dead', 'models.published'],
  },
  learn: {
    writes:
      /^(blobs\/(pictures|state|models|quarantine)|kept|docs\/(pipeline|lease|checkpoint|versions|channels|audit|requests|erased|progress))/,
    produces: ['images.dead', 'models.published'],
  },
  serve: { writes: /^$/, produces: [] },
  infer: { writes: /^$/, produces: [] },
  'model-published': { writes: /^$/, produces: ['images.dead'] },
  collect: { writes: /^docs\/(lease\/gc|erased)/, produces: [] },
  operator: {
    writes: /^docs\/(channels|audit|requests|names|tokens|erased)/,
    produces: ['images.unlabeled', 'models.published'],
  },
}

function faultsOf(statements: readonly Statement[]): readonly string[] {
  const faults: string[] = []
  for (const [name, role] of Object.entries(roles) as [keyof typeof roles, string][]) {
    const { writes, produces } = expected[name]
    const compare = (what: string, is: boolean, should: boolean): void => {
      if (is !== should) faults.push(`${name} ${is ? 'may' : 'may not'} ${what}`)
    }
    for (const key of keys) {
      const path = `main/${key}`
      compare(`write ${key}`, may(statements, role, 's3:PutObject', path), writes.test(key))
      compare(`delete ${key}`, may(statements, role, 's3:DeleteObject', path), name === 'collect')
    }
    for (const topic of topics) {
      const is = may(statements, role, 'kafka-cluster:WriteData', topic)
      compare(`write ${topic}`, is, produces.includes(topic))
    }
  }
  return faults
}

/**
 * Every statement of every role of a whole deployment: no wildcard among actions, none among
 * resources without a reason (cdk-nag fails otherwise), and of each key and topic who may write it.
 */
export const rights: Proof = async () => {
  const work = mkdtempSync(join(tmpdir(), 'contrastream-rights-'))
  try {
    const { templates, isSound, output } = await synthesise({ stage: 'production' }, work)
    const statements = Object.values(templates).flatMap(statementsOf)
    const wild = statements.flatMap(({ role, actions }) =>
      actions.filter((action) => action.includes('*')).map((action) => `${role}: ${action}`),
    )
    const wide = statements.flatMap(({ resources }) => resources).filter((one) => one === '*')
    const prefixed = statements
      .flatMap(({ resources }) => resources)
      .filter((one) => one !== '*' && one.includes('*'))
    const faults = faultsOf(statements)
    const checks = Object.keys(roles).length * (2 * keys.length + topics.length)
    return {
      lines: [
        `${statements.length} statements; actions with a wildcard: ${wild.length}`,
        `resources: ${wide.length} wholly open, ${prefixed.length} by prefix; without a reason: ${isSound ? 0 : output}`,
        `${checks} questions who may write or delete what; answered otherwise than wanted: ${faults.length}`,
        ...wild,
        ...faults,
      ],
      holds: isSound && wild.length + faults.length === 0,
    }
  } finally {
    rmSync(work, { recursive: true })
  }
}
