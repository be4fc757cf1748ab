import { describe, expect, it } from 'vitest'
import type { Matrix } from '../../lib/engine/matrix.ts'
import { tf } from '../../lib/engine/tf.ts'
import type { PixelSource } from '../../lib/learn/pictures.ts'
import { roundSettings } from '../../lib/learn/recipe.ts'
import {
  type RoundInput,
  type RoundPorts,
  type RoundProgress,
  runRound,
} from '../../lib/learn/round.ts'
import type { RoundModel } from '../../lib/learn/round-model.ts'
import type { RoundResult } from '../../lib/learn/round-result.ts'
import { centreRows } from '../../lib/metric/centre.ts'
import {
  artifactDigest,
  loadArtifact,
  type ModelFiles,
  saveArtifact,
} from '../../lib/model/artifact.ts'
import { flatten } from '../../lib/model/flatten.ts'
import { pictureOf } from './states.ts'
import { tinyIds, tinyPictures, tinyPreprocessing, tinySize, tinySource } from './tiny.ts'

const kinds = 6
const ids = tinyIds(kinds, 25)
const files: ModelFiles = { ...(await saveArtifact(flatten({ size: tinySize, channels: 1 }))) }
const baseline: RoundModel = { files, mean: undefined, digest: artifactDigest(files) }
const pictures = (names: readonly string[]) => names.map((id) => pictureOf(id))

const input: RoundInput = {
  number: 1,
  seed: 1,
  pictures: ids.map((id) => ({ ...pictureOf(id), isFresh: true })),
  probes: { a: pictures(tinyIds(kinds, 5, 100)), b: [] },
  monitor: [],
  champion: baseline,
  baseline,
  isChampionBaseline: true,
  student: undefined,
  settings: roundSettings('scratch', { steps: 6, recluster: 3, dim: 16, k: kinds }),
  preprocessing: tinyPreprocessing,
  minProbe: 20,
}
const ports: RoundPorts = { pixels: tinySource, now: () => 0 }

/** Every picture is the same grey. */
const allAlike: PixelSource = {
  read: async (some) => new Uint8Array(some.length * tinySize * tinySize).fill(90),
}

type Judged = Extract<RoundResult, { readonly outcome: 'judged' }>

async function judged(
  more: Partial<RoundInput> = {},
  by: Partial<RoundPorts> = {},
): Promise<Judged> {
  const result = await runRound({ ...input, ...more }, { ...ports, ...by })
  if (result.outcome !== 'judged') throw new Error(`${result.outcome}: ${result.reason}`)
  return result
}

const first = await judged()

describe('runRound', () => {
  it('judges the candidate that it has trained', () => {
    expect(['promote', 'hold', 'reject']).toContain(first.verdict.verdict)
    const names = ['MRR on held-out pictures', 'consistency on held-out pictures']
    expect(Object.keys(first.verdict.comparisons)).toEqual(names)
    expect(first.report).toMatchObject({ number: 1, k: kinds, pictures: 150, fresh: 150 })
    expect(first.report.training).toMatchObject({ ended: 'steps', steps: 6 })
    expect(first.student.optimizerStep).toBe(6 - first.report.training.skipped)
  })

  it('lets labels decide where the user has some, and shows the frozen baseline beside', async () => {
    const probe = tinyIds(kinds, 5, 200)
    const classes = Int32Array.from(probe, (id) => Number(id.split('-')[0]))
    const { verdict } = await judged({ labelled: { ids: probe, classes } })
    expect(Object.keys(verdict.comparisons)).toEqual(['MAP@R on labels', 'Recall@1 on labels'])
    for (const { baseline, champion } of Object.values(verdict.comparisons)) {
      expect(baseline).toBe(champion)
      expect(baseline).toBeGreaterThan(0)
    }
  })

  it('gives an artifact that loads, and embeds as its mean and clusters say', async () => {
    const { candidate } = first
    const network = await loadArtifact(candidate.files)
    const rows = await tinyPictures().embed(network, ids)
    const { matrix, mean } = centreRows(rows)
    expect(rows.dim).toBe(16)
    for (const [i, value] of mean.entries())
      expect(value).toBeCloseTo(candidate.mean[i] as number, 4)
    const own = ids.map((_, row) => {
      const centroid = (candidate.clustering.labels[row] as number) * 16
      let sum = 0
      for (let i = 0; i < 16; i += 1) {
        sum +=
          (matrix.data[row * 16 + i] as number) * (candidate.centroids.data[centroid + i] as number)
      }
      return sum
    })
    for (const [row, value] of own.entries()) {
      expect(value).toBeCloseTo(candidate.clustering.similarity[row] as number, 3)
    }
  })

  it('labels and trusts every picture in the order it was given', () => {
    const { clustering, trusted } = first.candidate
    expect([clustering.labels.length, trusted.length]).toEqual([150, 150])
    expect(trusted.some((one) => one === 1)).toBe(true)
  })

  it('repeats itself for the same input', async () => {
    const again = await judged()
    expect(again.candidate.clustering.labels).toEqual(first.candidate.clustering.labels)
    expect(again.verdict.verdict).toBe(first.verdict.verdict)
    const figures = Object.values(again.verdict.figures)
    for (const [i, value] of Object.values(first.verdict.figures).entries()) {
      // Two threads may add in another order: style of the engine, not of the round.
      expect(figures[i]).toBeCloseTo(value, 2)
    }
  })

  it('goes on from the student of the round before, folded onto its candidate', async () => {
    const { candidate, student } = first
    const digest = artifactDigest(candidate.files)
    const champion = { files: candidate.files, mean: candidate.mean, digest }
    const next = await judged({ number: 2, student, champion, isChampionBaseline: false })
    expect(next.student.optimizerStep).toBeGreaterThan(first.student.optimizerStep)
    expect(next.report.fold?.overlap).toBeGreaterThan(0.2)
    expect(next.report.fold?.residual).toBeLessThan(1)
  })

  it('rejects an artifact that does not serve, after asking with the vectors expected', async () => {
    let asked: Matrix | undefined
    const check: RoundPorts['check'] = async (given, pixels, expected) => {
      asked = expected
      expect(pixels).toHaveLength(expected.rows * tinySize * tinySize)
      return given['model.json'] === undefined ? undefined : 'no such layer'
    }
    const { verdict } = await judged({}, { check })
    expect(verdict.verdict).toBe('reject')
    expect(verdict.reason).toContain('no such layer')
    expect(asked?.rows).toBe(16)
  })

  it('reports its phases in order', async () => {
    const seen: RoundProgress['phase'][] = []
    await judged({}, { report: ({ phase }) => seen.push(phase) })
    const train = ['train', 'train', 'train']
    const half = ['embed', 'cluster', ...train]
    expect(seen).toEqual([...half, ...half, 'fold', 'gate', 'check'])
  })

  it('rejects a candidate whose embeddings collapse', async () => {
    let reads = 0
    // The first labels see the pictures as they are, in two chunks; the network sees one grey.
    const thenAlike: PixelSource = {
      read: (some) => {
        reads += 1
        return reads <= 2 ? tinySource.read(some) : allAlike.read(some)
      },
    }
    const { verdict, report } = await judged({}, { pixels: thenAlike })
    expect(report.training).toMatchObject({ ended: 'collapse', steps: 3 })
    expect(verdict.verdict).toBe('reject')
    expect(verdict.reason).toContain('collapse')
  })

  it('has nothing to learn from pictures that are all alike', async () => {
    const result = await runRound(input, { ...ports, pixels: allAlike })
    expect(result).toMatchObject({ outcome: 'nothing', training: { ended: 'no-clusters' } })
  })

  it('ends without a candidate, and says why, where it is collapsed from the start', async () => {
    const { student } = first
    const result = await runRound({ ...input, student }, { ...ports, pixels: allAlike })
    expect(result).toMatchObject({ outcome: 'nothing', training: { ended: 'collapse', steps: 0 } })
    expect(result).toHaveProperty('reason', expect.stringContaining('collapsed'))
  })

  it('leaves no tensor behind, judged or aborted', async () => {
    const before = tf.memory().numTensors
    await judged()
    expect(tf.memory().numTensors).toBe(before)
    const signal = AbortSignal.abort(new Error('shut down'))
    await expect(runRound(input, { ...ports, signal })).rejects.toThrow('shut down')
    expect(tf.memory().numTensors).toBe(before)
  })
})
