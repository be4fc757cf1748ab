import { type Logger, pino } from 'pino'
import type { Config } from '../config/schema.ts'

/** Where lines go. */
export interface LogTarget {
  readonly isTTY?: boolean
  write(text: string): unknown
}

/** What never stands in a line, whoever logs it. */
const secrets = [
  'authorization',
  'cookie',
  'password',
  'secret',
  'token',
  '*.authorization',
  '*.cookie',
  '*.password',
  '*.secret',
  '*.token',
  '*.headers.authorization',
  '*.headers.cookie',
]

/** A JSON line as people read it: time, level, message, then what came with it. */
function asText(line: string): string {
  const { time, level, msg, role, ...more } = JSON.parse(line) as Record<string, unknown>
  const rest = Object.entries(more).map(([key, value]) => `${key}=${JSON.stringify(value)}`)
  const clock = String(time).slice(11, 19)
  return `${[clock, String(level).padEnd(5), role, msg, ...rest].filter(Boolean).join(' ')}\n`
}

/**
 * The log of a role: JSON lines, or text for people, without secrets.
 *
 * @param target - Usually `process.stderr`.
 */
export function openLog(
  role: string,
  { level, format }: Config['logging'],
  target: LogTarget,
): Logger {
  const isText = format === 'text' || (format === 'auto' && target.isTTY === true)
  return pino(
    {
      level,
      base: { role },
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      redact: { paths: secrets, censor: '***' },
    },
    isText ? { write: (line: string) => void target.write(asText(line)) } : target,
  )
}
