import { describe, expect, it } from 'vitest'
import { restartRule } from '../../lib/stream/kafka-restarts.ts'

describe('restartRule', () => {
  const fault = new Error('UNKNOWN')
  const connection = Object.assign(new Error('closed'), { name: 'KafkaJSConnectionClosedError' })

  it('lets a consumer start again five times in ten minutes', () => {
    let now = 0
    const mayRestart = restartRule(() => now)
    const answers = Array.from({ length: 6 }, () => mayRestart(fault))
    expect(answers).toEqual([true, true, true, true, true, false])
    now = 600_000
    expect(mayRestart(fault)).toBe(true)
  })

  it.each([
    ['lost connections', connection],
    [
      'a broker that is starting',
      Object.assign(new Error('x'), { type: 'GROUP_LOAD_IN_PROGRESS' }),
    ],
  ])('does not count %s, however deep they are wrapped', (_, cause) => {
    const mayRestart = restartRule(() => 0)
    const wrapped = new Error('retries exceeded', { cause })
    expect(Array.from({ length: 40 }, () => mayRestart(wrapped))).not.toContain(false)
    expect(mayRestart(fault)).toBe(true)
  })
})
