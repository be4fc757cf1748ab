import { expect, it } from 'vitest'
import { cloudSettings } from '../../lib/config/cloud-settings.ts'

it('reads what the roles are given too, and what is a function’s own', () => {
  const settings = cloudSettings({
    CONTRASTREAM__NAME: 'cats',
    CONTRASTREAM__KAFKA__BROKERS: '[b-1.example:9098,b-2.example:9098]',
    CONTRASTREAM__KAFKA__AUTH__KIND: 'iam',
    CONTRASTREAM_UPLOADS_BUCKET: 'uploads',
    CONTRASTREAM_MAX_INDEX_MB: '2',
  })
  expect(settings.config.name).toBe('cats')
  expect(settings.config.kafka.brokers).toEqual(['b-1.example:9098', 'b-2.example:9098'])
  expect(settings.config.kafka.auth.kind).toBe('iam')
  expect(settings.uploadsBucket).toBe('uploads')
  expect(settings.maxIndexBytes).toBe(2 * 2 ** 20)
})

it('holds an index of a gibibyte where nothing is said', () => {
  expect(cloudSettings({}).maxIndexBytes).toBe(2 ** 30)
})

it('names the variable that is out of its range', () => {
  const environment = { CONTRASTREAM_MAX_INDEX_MB: 'many' }
  expect(() => cloudSettings(environment)).toThrow('config: CONTRASTREAM_MAX_INDEX_MB')
})
