import { describe, expect, it } from 'vitest'
import { roundSettings } from '../../lib/learn/recipe.ts'
import type { RoundModel } from '../../lib/learn/round-model.ts'
import type { StudentState } from '../../lib/learn/state.ts'
import { type StudentInput, startStudent } from '../../lib/learn/student.ts'
import { artifactDigest, saveArtifact } from '../../lib/model/artifact.ts'
import { conv4 } from '../../lib/model/conv4.ts'
import { flatten } from '../../lib/model/flatten.ts'
import { tinyIds, tinyPictures, tinyPreprocessing, tinySize } from './tiny.ts'

const ids = tinyIds(6, 5)
const pictures = tinyPictures()
const pixels = flatten({ size: tinySize, channels: 1 })
const backbone = conv4({ size: tinySize, channels: 1, dim: 12, seed: 9 })

async function modelOf(network: typeof pixels): Promise<RoundModel> {
  const files = { ...(await saveArtifact(network)) }
  return { files, mean: undefined, digest: artifactDigest(files) }
}

async function start(
  recipe: 'head' | 'scratch' | 'finetune',
  student?: StudentState,
  more: Partial<StudentInput> = {},
) {
  const network = recipe === 'scratch' ? pixels : backbone
  const input = {
    settings: roundSettings(recipe, { dim: 8 }),
    seed: 1,
    preprocessing: tinyPreprocessing,
    baseline: await modelOf(network),
    student,
    ...more,
  }
  return startStudent(input, network, pictures, ids)
}

/** What the next round gets of a student whose every weight was changed. */
async function changed(of: Awaited<ReturnType<typeof start>>): Promise<StudentState> {
  const weights = (await of.trainee.snapshot()).map((values) => values.map((value) => value + 0.01))
  const { architecture } = of
  const moments = { first: Float32Array.of(1), second: Float32Array.of(2) }
  return { weights, optimizerStep: 5, ...moments, architecture }
}

describe.each(['head', 'scratch', 'finetune'] as const)('startStudent for %s', (recipe) => {
  it('goes on where the last round left weights and optimiser', async () => {
    const state = await changed(await start(recipe))
    const student = await start(recipe, state)
    expect(await student.trainee.snapshot()).toEqual(state.weights)
    expect(student.memory).toEqual({ step: 5, first: state.first, second: state.second })
    expect(student.firstEmbeddings).toBeUndefined()
  })

  it('starts anew where the weights are those of another architecture', async () => {
    const fresh = await start(recipe)
    const state = { ...(await changed(fresh)), architecture: 'other' }
    const student = await start(recipe, state)
    expect(student.memory).toBeUndefined()
    expect(await student.trainee.snapshot()).toEqual(await fresh.trainee.snapshot())
  })

  it('publishes what it embeds, from pictures', async () => {
    const student = await start(recipe)
    const network = await student.publishable()
    const published = await pictures.embed(network, ids)
    const own = await student.trainee.embedAll()
    expect([published.rows, published.dim]).toEqual([own.rows, own.dim])
    for (const [i, value] of published.data.entries()) {
      expect(value).toBeCloseTo(own.data[i] as number, 4)
    }
  })

  it('publishes a copy that further training does not move', async () => {
    const student = await start(recipe)
    const network = await student.publishable()
    const before = await pictures.embed(network, ids)
    student.trainee.restore((await changed(student)).weights)
    expect(await pictures.embed(network, ids)).toEqual(before)
  })
})

describe('startStudent', () => {
  it('takes first labels from the baseline where the student has learnt nothing', async () => {
    expect((await start('scratch')).firstEmbeddings).toEqual(await pictures.embed(pixels, ids))
    expect((await start('head')).firstEmbeddings?.dim).toBe(12)
    expect((await start('finetune')).firstEmbeddings).toBeUndefined()
  })

  it('begins finetuning at the baseline itself', async () => {
    const student = await start('finetune')
    expect(await student.trainee.embedAll()).toEqual(await pictures.embed(backbone, ids))
  })

  it('makes a head no wider than the features', async () => {
    const settings = roundSettings('head', { dim: 64 })
    expect((await (await start('head', undefined, { settings })).trainee.embedAll()).dim).toBe(12)
  })

  it('names recipe, baseline and width, so that other weights never fit', async () => {
    const names = [start('head'), start('scratch'), start('finetune')].map(
      async (one) => (await one).architecture,
    )
    const wide = await start('scratch', undefined, {
      settings: roundSettings('scratch', { dim: 9 }),
    })
    expect(new Set([...(await Promise.all(names)), wide.architecture]).size).toBe(4)
  })
})
