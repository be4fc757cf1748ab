import { expect, it } from 'vitest'
import { isLoopback, isOurHost } from '../../../lib/service/http/check-host.ts'

it.each(['127.0.0.1', '127.8.9.1', 'localhost', '::1'])('%s is this machine alone', (host) => {
  expect(isLoopback(host)).toBe(true)
})

it.each(['0.0.0.0', '::', '10.0.0.1', '127.0.0.1.example', 'photos.example', ''])(
  '%j may be reached by others',
  (host) => {
    expect(isLoopback(host)).toBe(false)
  },
)

it.each([
  'localhost',
  'LOCALHOST:80',
  '10.1.2.3:8080',
  '[::1]',
  '[fe80::1]:9',
  'photos.example:443',
])('answers to %s', (host) => {
  expect(isOurHost(host, ['Photos.Example'])).toBe(true)
})

it.each([
  undefined,
  '',
  'evil.example',
  'x.photos.example',
  'photos.example@evil',
  'a b',
  '1.2.3.4.evil.example',
  'localhost:x',
  '[::1',
  '[evil]',
])('does not answer to %j', (host) => {
  expect(isOurHost(host, ['photos.example'])).toBe(false)
})
