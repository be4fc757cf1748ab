import { z } from 'zod'

const msPer: Readonly<Record<string, number>> = { ms: 1, s: 1e3, m: 60e3, h: 3.6e6, d: 86.4e6 }
const bytesPer: Readonly<Record<string, number>> = {
  B: 1,
  kB: 1e3,
  MB: 1e6,
  GB: 1e9,
  KiB: 2 ** 10,
  MiB: 2 ** 20,
  GiB: 2 ** 30,
}

function quantity(kind: string, units: Readonly<Record<string, number>>) {
  const names = Object.keys(units).join(', ')
  return z.string().transform((text, context) => {
    const [, number, unit] = /^(\d+(?:\.\d+)?)\s*([A-Za-z]+)$/.exec(text.trim()) ?? []
    const factor = units[unit ?? '']
    if (number === undefined || factor === undefined) {
      context.addIssue(
        `expected ${kind} such as 5${Object.keys(units)[2]} (${names}), got '${text}'`,
      )
      return z.NEVER
    }
    return Number(number) * factor
  })
}

/** A duration such as `5m`, read as ms. */
export const duration: z.ZodType<number, string> = quantity('a duration', msPer)
/** A size such as `20MiB`, read as bytes. */
export const size: z.ZodType<number, string> = quantity('a size', bytesPer)
