import { expect, it } from 'vitest'
import { roleWatchers } from '../../lib/cloud/role-watchers.ts'

const ignore = () => undefined

it('prints nothing on a machine of one’s own', () => {
  const lines: string[] = []
  const options = { pipeline: 'main', role: 'learn' as const, tell: ignore }
  const write = (line: string) => lines.push(line)
  roleWatchers({ ...options, write }, { metricLines: false, ecsAgent: undefined }).onStatus({})
  expect(lines).toEqual([])
  roleWatchers({ ...options, write }, { metricLines: true, ecsAgent: undefined }).onStatus({})
  expect(lines).toHaveLength(1)
})
