import { expect, it } from 'vitest'
import { cloudSettings } from '../../lib/config/cloud-settings.ts'

it('reads what the roles are given too, and what is a function’s own', () => {
  const settings = cloudSettings({
    CONTRASTREAM__NAME: 'cats',
    CONTRASTREAM__KAFKA__BROKERS: '[b-1.example:9098,b-2.example:9098]',
    CONTRASTREAM__KAFKA__AUTH__KIND: 'iam',
    CONTRASTREAM__KAFKA__AUTH__REGION: 'eu-central-1',
    CONTRASTREAM__STORE__S3__BUCKET: 'data',
    CONTRASTREAM__STORE__S3__PATHSTYLE: 'true',
    CONTRASTREAM__LIMITS__BYTES: '1MB',
    CONTRASTREAM_UPLOADS_BUCKET: 'uploads',
    CONTRASTREAM_MAX_INDEX_MB: '2',
    CONTRASTREAM__LEARN__MININTERVAL: '6h',
  })
  expect(settings.config.name).toBe('cats')
  expect(settings.config.limits.bytes).toBe(1_000_000)
  expect(settings.kafka).toEqual({
    brokers: ['b-1.example:9098', 'b-2.example:9098'],
    auth: { kind: 'iam', region: 'eu-central-1' },
  })
  expect(settings.s3).toMatchObject({ bucket: 'data', pathStyle: true, prefix: '' })
  expect(settings.uploadsBucket).toBe('uploads')
  expect(settings.maxIndexBytes).toBe(2 * 2 ** 20)
})

it('refuses a login that a function cannot make', () => {
  const environment = { CONTRASTREAM__KAFKA__AUTH__KIND: 'scram' }
  expect(() => cloudSettings(environment)).toThrow(/config: kafka.auth.kind/)
})
