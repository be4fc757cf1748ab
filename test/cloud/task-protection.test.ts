import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, it, onTestFinished } from 'vitest'
import { taskProtection } from '../../lib/cloud/task-protection.ts'

/** The agent of a container, as the task sees it. */
async function agent(status: number, answer: object) {
  const asked: unknown[] = []
  const server = createServer(async (request, response) => {
    const chunks = await Array.fromAsync(request as AsyncIterable<Buffer>)
    asked.push([request.method, request.url, JSON.parse(Buffer.concat(chunks).toString())])
    response.writeHead(status, { connection: 'close' }).end(JSON.stringify(answer))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(async () => {
    server.close()
    await once(server, 'close')
  })
  const { port } = server.address() as AddressInfo
  return { asked, protection: taskProtection(`http://127.0.0.1:${port}/api/1`) }
}

it('asks for protection, and gives it back', async () => {
  const { asked, protection } = await agent(200, { protection: { ProtectionEnabled: true } })
  await protection.protect(60)
  await protection.release()
  const path = '/api/1/task-protection/v1/state'
  expect(asked).toEqual([
    ['PUT', path, { ProtectionEnabled: true, ExpiresInMinutes: 60 }],
    ['PUT', path, { ProtectionEnabled: false }],
  ])
})

it.each([
  ['an error', 400, { error: { Code: 'ThrottlingException' } }],
  ['a failure although it answers well', 200, { failure: { Reason: 'DEPLOYMENT_BLOCKED' } }],
])('hears of %s', async (_, status, answer) => {
  const { protection } = await agent(status, answer)
  const refused = protection.protect(60)
  await expect(refused).rejects.toMatchObject({ code: 'STREAM', retryable: true })
})

it('does nothing outside of ECS', async () => {
  await expect(taskProtection(undefined).protect(60)).resolves.toBeUndefined()
})
