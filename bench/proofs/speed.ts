import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ours, peer, ratio } from './peers.ts'
import type { Found, Proof } from './proof.ts'

/** Least and largest ratios of the claim. */
const longestStep = 1.8
const leastEmbedding = 0.4
const longestPass = 1.5

async function steps(): Promise<Found> {
  const lines: string[] = []
  let holds = true
  for (const name of ['mobilenet-v1-0.25', 'mobilenet-v1-0.5', 'conv4', 'mobilenet-v2']) {
    const [our = {}] = await ours('step', name)
    const theirs = await peer('torch', 'step', '--networks', name)
    for (const their of theirs) {
      const step = ratio(our['stepMs'], their['stepMs'])
      const embedding = 1 / ratio(our['embedMs'], their['embedMs'])
      lines.push(
        `${name} beside ${their['library']}: step ${our['stepMs']} ms, ${step.toFixed(2)} × its time · embedding ${embedding.toFixed(2)} × its pictures/s`,
      )
      holds &&= step <= longestStep && embedding >= leastEmbedding
    }
  }
  return { lines, holds }
}

async function passes(): Promise<Found> {
  const [our = {}] = await ours('k-means')
  const [their = {}] = await peer('faiss', 'k_means')
  const slower = ratio(our['passMs'], their['passMs'])
  const text = `k-means pass, 100,000 × 128, k 1,000, beside ${their['library']}: ${our['passMs']} ms, ${slower.toFixed(2)} × its time`
  return { lines: [text], holds: slower <= longestPass }
}

async function evaluations(): Promise<Found> {
  const folder = mkdtempSync(join(tmpdir(), 'contrastream-speed-'))
  try {
    const file = join(folder, 'rows.f32')
    const [our = {}] = await ours('map-at-r', '20000', '128', '200', '5', file)
    const [their = {}] = await peer('metric', 'map_at_r', file)
    const isEqual = Math.abs(Number(our['mapAtR']) - Number(their['mapAtR'])) < 1e-4
    const text = `MAP@R, 20,000 × 128, beside ${their['library']}: ${our['ms']} ms, ${ratio(our['ms'], their['ms']).toFixed(2)} × its time, ${isEqual ? 'the same figure' : 'ANOTHER FIGURE'}`
    return { lines: [text], holds: isEqual }
  } finally {
    rmSync(folder, { recursive: true })
  }
}

/** Times beside PyTorch, faiss and pytorch-metric-learning, one after the other on one machine. */
export const speed: Proof = async () => {
  const found = [await steps(), await passes(), await evaluations()]
  return { lines: found.flatMap(({ lines }) => lines), holds: found.every(({ holds }) => holds) }
}
