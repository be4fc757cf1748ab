import { hostname } from 'node:os'
import { describe, expect, it } from 'vitest'
import { isDead, processName } from '../../lib/stream/sqlite-owner.ts'
import { startChild } from '../store/child.ts'

describe('isDead', () => {
  it('says no of this process', () => {
    expect(isDead(processName())).toBe(false)
    expect(isDead(`${processName()}:one of its consumers`)).toBe(false)
  })

  it('says yes of a process that has ended', async () => {
    const script = new URL('./name-peer.ts', import.meta.url)
    const child = startChild({ script, args: [] })
    const { name } = await child.hear<{ is: 'name'; name: string }>('name')
    expect(isDead(name)).toBe(false)
    await child.signal('SIGKILL')
    expect(isDead(name)).toBe(true)
  })

  it('says yes of an earlier process with the same number', () => {
    const [host, pid] = processName().split(':')
    expect(isDead(`${host}:${pid}:1`)).toBe(true)
  })

  it.each(['elsewhere:1:1', `${hostname()}:0:1`, `${hostname()}:-1:1`, `${hostname()}:x:1`, ''])(
    'says no of %j, which it cannot know',
    (name) => {
      expect(isDead(name)).toBe(false)
    },
  )
})
