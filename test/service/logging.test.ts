import { expect, it } from 'vitest'
import { openLog } from '../../lib/service/logging.ts'

const collected = (isTTY = false) => {
  const lines: string[] = []
  return { lines, target: { isTTY, write: (text: string) => lines.push(text) } }
}

it('writes a JSON line with time, level and role', () => {
  const { lines, target } = collected()
  openLog('serve', { level: 'info', format: 'auto' }, target).info({ route: '/v1/embed' }, 'slow')
  expect(JSON.parse(lines[0] as string)).toEqual({
    level: 'info',
    time: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/),
    role: 'serve',
    route: '/v1/embed',
    msg: 'slow',
  })
})

it('hides secrets, wherever they are handed in', () => {
  const { lines, target } = collected()
  const log = openLog('serve', { level: 'info', format: 'json' }, target)
  const secret = 'cst_0123'
  log.info({ authorization: secret, req: { headers: { authorization: secret }, token: secret } })
  log.child({ password: secret }).info({ store: { secret } })
  expect(lines).toHaveLength(2)
  expect(lines.join('')).not.toContain(secret)
})

it('writes text for people on a terminal, and leaves out what is below the level', () => {
  const { lines, target } = collected(true)
  const log = openLog('serve', { level: 'warn', format: 'auto' }, target)
  log.info('nothing')
  log.warn({ free: 5 }, 'disk is low')
  expect(lines).toEqual([
    expect.stringMatching(/^\d\d:\d\d:\d\d warn {2}serve disk is low free=5\n$/),
  ])
})
