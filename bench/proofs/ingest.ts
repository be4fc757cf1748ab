import { quantile } from './live-load.ts'
import { ours } from './peers.ts'
import type { Line } from './program.ts'
import type { Found, Proof } from './proof.ts'

/** Least share of the speed of Kafka's own tool. */
const least = { envelope: 0.5, picture: 0.3 } as const

/** Medians over the turns, each with the least and the most. */
function compare(record: keyof typeof least, turns: readonly Line[]): Found {
  const spread = (values: readonly number[], digits: number) => {
    const [low, high] = [Math.min(...values), Math.max(...values)]
    const texts = [quantile(values, 0.5), low, high].map((value) => value.toFixed(digits))
    return `${texts[0]} (${texts[1]}–${texts[2]})`
  }
  const numbers = (name: string) => turns.map((turn) => Number(turn[name]))
  const ratios = turns.map((turn) => Number(turn['ours']) / Number(turn['peer']))
  const [{ bytes, count, kafka } = {}] = turns
  return {
    lines: [
      `${record}s of ${bytes} bytes, ${count} a turn, ${turns.length} turns, Kafka ${kafka}: ours ${spread(numbers('ours'), 0)} records/s, kafka-producer-perf-test ${spread(numbers('peer'), 0)}; ratio ${spread(ratios, 2)}, at least ${least[record]}`,
    ],
    holds: quantile(ratios, 0.5) >= least[record],
  }
}

/**
 * Records a second that our way of sending carries into a real broker, beside
 * `kafka-producer-perf-test` on the same broker, both in turns: median, least and most.
 * Arguments: envelopes a turn (default 200,000), pictures a turn (default 4,000), turns (default 5),
 * seed (default 1).
 */
export const ingest: Proof = async ([
  envelopes = '200000',
  pictures = '4000',
  turns = '5',
  seed = '1',
]) => {
  const lines = await ours('kafka-send', envelopes, pictures, turns, seed)
  const found = (['envelope', 'picture'] as const).map((record) =>
    compare(
      record,
      lines.filter((line) => line['record'] === record),
    ),
  )
  return {
    lines: [`seed ${seed}`, ...found.flatMap((one) => one.lines)],
    holds: found.every(({ holds }) => holds),
  }
}
