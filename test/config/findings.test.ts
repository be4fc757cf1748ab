import { describe, expect, it } from 'vitest'
import { findFaults } from '../../lib/config/findings.ts'
import { checkConfig } from '../../lib/config/load.ts'

const keys = (settings: object) => findFaults(checkConfig(settings)).map(({ key }) => key)
const brokers = ['kafka.example:9092']
const store = { adapter: 's3', s3: { bucket: 'data' } }

describe('findFaults, of a stream on Kafka', () => {
  const onKafka = (kafka: object) => keys({ stream: { adapter: 'kafka' }, store, kafka })

  it('finds none where broker, login and bucket are named', () => {
    expect(onKafka({ brokers })).toEqual([])
    expect(onKafka({ brokers, auth: { kind: 'iam', region: 'eu-central-1' } })).toEqual([])
  })

  it('misses brokers, and the settings of each login', () => {
    expect(onKafka({})).toEqual(['kafka.brokers'])
    const auth = (kind: string) => onKafka({ brokers, auth: { kind } })
    expect(auth('scram')).toEqual(['kafka.auth.username'])
    expect(auth('mtls')).toEqual(['kafka.auth.certFile'])
    expect(auth('iam')).toEqual(['kafka.auth.region'])
  })

  it('says that a folder beside it keeps all roles on one machine', () => {
    expect(keys({ stream: { adapter: 'kafka' }, kafka: { brokers } })).toEqual(['store.adapter'])
  })

  it('asks nothing of a stream that is not on Kafka', () => {
    expect(keys({ kafka: { auth: { kind: 'scram' } } })).toEqual([])
  })
})
