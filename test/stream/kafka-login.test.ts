import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { kafkaStream } from '../../lib/stream/kafka.ts'
import { kafkaLogin } from '../../lib/stream/kafka-login.ts'
import type { KafkaAuth, KafkaConnection } from '../../lib/stream/kafka-options.ts'
import type { StreamPort } from '../../lib/stream/types.ts'
import { type Broker, kafkaVersions, startBroker } from '../kafka/broker.ts'
import { recordsOf, sendAcked } from './harness.ts'

const folder = mkdtempSync(join(tmpdir(), 'contrastream-login-'))
const file = (name: string) => join(folder, name)
afterAll(() => rmSync(folder, { recursive: true }))

const scram: KafkaAuth = {
  kind: 'scram',
  mechanism: 'scram-sha-512',
  username: 'alice',
  passwordFile: file('password'),
}
writeFileSync(file('password'), 'open sesame\n')

describe('kafkaLogin', () => {
  const login = (auth: KafkaAuth, more: Partial<KafkaConnection> = {}) =>
    kafkaLogin({ brokers: ['kafka.example:9092'], clientId: 'c', auth, ...more })

  it('encrypts for every login but none', () => {
    expect(login({ kind: 'none' })).toEqual({})
    expect(login({ kind: 'none' }, { tls: true })).toEqual({ ssl: {} })
    expect(login({ kind: 'iam', region: 'eu-central-1' }).ssl).toEqual({})
    expect(login(scram)).toMatchObject({ ssl: {}, sasl: { password: 'open sesame' } })
  })

  it('lets a password go in the clear within this machine only', () => {
    const local = { brokers: ['127.0.0.1:9092', 'localhost:9093'], tls: false }
    expect(login(scram, local).ssl).toBeUndefined()
    expect(() => login(scram, { tls: false })).toThrow(
      'kafka.tls: expected true for scram with brokers beyond this machine, got false',
    )
    const mixed = { brokers: ['127.0.0.1:9092', '127.0.0.1.example:9092'], tls: false }
    expect(() => login(scram, mixed)).toThrow('kafka.tls')
  })

  it('names the setting whose file cannot be read', () => {
    expect(() => login({ ...scram, passwordFile: file('none') })).toThrow(
      'kafka.auth.passwordFile: expected a file that can be read',
    )
    expect(() => login({ kind: 'none' }, { tls: true, caFile: file('none') })).toThrow(
      'kafka.caFile: expected a file that can be read',
    )
  })

  it('signs a token for Amazon MSK anew each time', async () => {
    process.env['AWS_ACCESS_KEY_ID'] = 'AKIDEXAMPLE'
    process.env['AWS_SECRET_ACCESS_KEY'] = 'secret'
    const { sasl } = login({ kind: 'iam', region: 'eu-central-1' })
    const token = async () => {
      if (typeof sasl !== 'object' || !('oauthBearerProvider' in sasl)) throw new Error('no token')
      const { value } = await sasl.oauthBearerProvider()
      return new URL(Buffer.from(value, 'base64url').toString())
    }
    const first = await token()
    expect(first.host).toBe('kafka.eu-central-1.amazonaws.com')
    expect(first.searchParams.get('X-Amz-Credential')).toMatch(/^AKIDEXAMPLE\//)
    process.env['AWS_ACCESS_KEY_ID'] = 'AKIDROTATED'
    expect((await token()).searchParams.get('X-Amz-Credential')).toMatch(/^AKIDROTATED\//)
  })
})

describe('kafkaStream, logged in', () => {
  let broker: Broker
  let scramPort = 0
  let mtlsPort = 0
  const open: StreamPort[] = []
  const stream = (port: number, more: Partial<KafkaConnection>, host = '127.0.0.1') => {
    const connection = { brokers: [`${host}:${port}`], clientId: 'c', caFile: file('broker.crt') }
    const one = kafkaStream({ ...connection, ...more }, { requestMs: 2_000 })
    open.push(one)
    return one
  }
  const mtls: KafkaAuth = {
    kind: 'mtls',
    certFile: file('client.crt'),
    keyFile: file('client.key'),
  }

  beforeAll(async () => {
    certificate('broker', 'subjectAltName=IP:127.0.0.1')
    certificate('client', 'subjectAltName=DNS:client')
    certificate('stranger', 'subjectAltName=DNS:stranger')
    const pem = readFileSync(file('broker.key'), 'utf8') + readFileSync(file('broker.crt'), 'utf8')
    writeFileSync(file('broker.pem'), pem)
    broker = await startBroker(kafkaVersions.newest, ([first = 0, second = 0]) => {
      scramPort = first
      mtlsPort = second
      return loginSettings(first, second)
    })
  })
  afterAll(() => broker.dispose())
  afterEach(() => Promise.all(open.splice(0).map((one) => one.close({ deadlineMs: 1_000 }))))

  it.each([
    ['by password', () => stream(scramPort, { auth: scram })],
    ['by certificate', () => stream(mtlsPort, { auth: mtls })],
  ])('sends %s', async (name, make) => {
    const topic = name.replaceAll(' ', '-')
    const one = make()
    await one.ensureTopics([{ name: topic, partitions: 1, policy: 'delete', maxBytes: 1_000 }])
    expect(await sendAcked(one, topic, recordsOf('a'))).toEqual([0])
  })

  it('is refused with a wrong password', async () => {
    writeFileSync(file('wrong'), 'open barley')
    const one = stream(scramPort, { auth: { ...scram, passwordFile: file('wrong') } })
    await expect(one.identity()).rejects.toMatchObject({ reason: 'login', retryable: false })
    const results = await one.send('t', recordsOf('a'), { deadlineMs: 10_000 })
    expect(results).toEqual([{ outcome: 'refused', reason: 'login' }])
  })

  it('trusts no broker whose certificate is of another host or authority', async () => {
    const elsewhere = stream(scramPort, { auth: scram }, 'localhost')
    const sent = await elsewhere.send('t', recordsOf('a'), { deadlineMs: 1_500 })
    expect(sent.map(({ outcome }) => outcome)).toEqual(['refused'])
    const stranger = stream(scramPort, { auth: scram, caFile: file('stranger.crt') })
    const refused = await stranger.send('t', recordsOf('a'), { deadlineMs: 1_500 })
    expect(refused.map(({ outcome }) => outcome)).toEqual(['refused'])
  })

  function loginSettings(scramAt: number, mtlsAt: number): string[] {
    const listeners = (plain: number) =>
      `PLAINTEXT://127.0.0.1:${plain},SCRAM://127.0.0.1:${scramAt},MTLS://127.0.0.1:${mtlsAt}`
    const plain = scramAt - 2
    const protocols = 'PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,SCRAM:SASL_SSL,MTLS:SSL'
    return [
      `listeners=${listeners(plain)},CONTROLLER://127.0.0.1:${plain + 1}`,
      `advertised.listeners=${listeners(plain)}`,
      `listener.security.protocol.map=${protocols}`,
      'listener.name.scram.sasl.enabled.mechanisms=SCRAM-SHA-512',
      'listener.name.scram.scram-sha-512.sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required;',
      'listener.name.mtls.ssl.client.auth=required',
      'ssl.keystore.type=PEM',
      `ssl.keystore.location=${file('broker.pem')}`,
      'ssl.truststore.type=PEM',
      `ssl.truststore.location=${file('client.crt')}`,
      'add.scram=SCRAM-SHA-512=[name=alice,password=open sesame]',
    ]
  }
})

/** Makes a key and a certificate that vouches for itself, for two days. */
function certificate(name: string, extension: string): void {
  const out = ['-keyout', file(`${name}.key`), '-out', file(`${name}.crt`)]
  const subject = ['-subj', `/CN=${name}`, '-addext', extension]
  execFileSync(
    'openssl',
    ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', ...out, ...subject],
    { stdio: 'pipe' },
  )
}
