import { describe, expect, it } from 'vitest'
import { tf } from '../../lib/engine/tf.ts'
import { roundSettings } from '../../lib/learn/recipe.ts'
import { type StudentInput, startStudent } from '../../lib/learn/student.ts'
import { warmStudent } from '../../lib/learn/warm-start.ts'
import { artifactDigest, saveArtifact } from '../../lib/model/artifact.ts'
import { conv4 } from '../../lib/model/conv4.ts'
import { flatten } from '../../lib/model/flatten.ts'
import { headName, withHead } from '../../lib/model/head.ts'
import { rotated } from '../../lib/model/rotate.ts'
import { cloneNetwork, readWeights } from '../../lib/model/weights.ts'
import { tinyIds, tinyPictures, tinyPreprocessing, tinySize } from './tiny.ts'

const ids = tinyIds(6, 5)
const pixels = flatten({ size: tinySize, channels: 1 })
const trained = conv4({ size: tinySize, channels: 1, dim: 8, seed: 9 })
const other = conv4({ size: tinySize, channels: 1, dim: 8, seed: 4 })
/** A backbone whose last layer is not linear, so that a fold appends one. */
const relu = (): typeof pixels => {
  const input = tf.input({ shape: [tinySize, tinySize, 1] })
  const flat = tf.layers.flatten().apply(input) as typeof input
  const dense = tf.layers.dense({ units: 6, activation: 'relu' })
  return tf.model({ inputs: input, outputs: dense.apply(flat) as typeof input })
}
const turn = (dim: number) =>
  Float64Array.from({ length: dim * dim }, (_, i) =>
    Number(i % dim === (Math.floor(i / dim) + 1) % dim),
  )

async function inputOf(recipe: 'head' | 'scratch' | 'finetune', baseline: typeof pixels, dim = 8) {
  const files = { ...(await saveArtifact(baseline)) }
  return {
    settings: roundSettings(recipe, { dim }),
    preprocessing: tinyPreprocessing,
    baseline: { files, mean: undefined, digest: artifactDigest(files) },
  }
}

/** What a round trains first. */
async function started(
  input: Omit<StudentInput, 'seed' | 'student'>,
  baseline: typeof pixels,
  network: typeof pixels,
) {
  const student = await warmStudent(network, baseline, input)
  return startStudent({ ...input, seed: 1, student }, baseline, tinyPictures(), ids)
}

describe('warmStudent', () => {
  it('gives scratch the weights of a network trained elsewhere, and no memory', async () => {
    const student = await started(await inputOf('scratch', pixels), pixels, trained)
    expect(await student.trainee.snapshot()).toEqual(await readWeights(trained))
    expect(student.memory).toBeUndefined()
    expect(student.firstEmbeddings).toBeUndefined()
  })

  it('gives finetune the backbone’s weights, without the turn that a fold appended', async () => {
    const backbone = relu()
    const changed = relu()
    const folded = await rotated(changed, turn(6))
    const student = await started(await inputOf('finetune', backbone), backbone, folded)
    expect(await student.trainee.snapshot()).toEqual(await readWeights(changed))
  })

  it('gives head the head’s weights', async () => {
    const published = withHead(await cloneNetwork(other), 8)
    const student = await started(await inputOf('head', other), other, published)
    const own = published.getLayer(headName).getWeights()
    const values = await Promise.all(own.map((weight) => weight.data()))
    expect(await student.trainee.snapshot()).toEqual(values)
  })

  it('refuses another dimension, naming both', async () => {
    const warm = warmStudent(trained, pixels, await inputOf('scratch', pixels, 16))
    await expect(warm).rejects.toThrow(/conv4 with vectors of 16 numbers.*8, not .*16.*model.dim/)
  })

  it('refuses a network of other layers', async () => {
    const warm = warmStudent(trained, relu(), await inputOf('finetune', relu()))
    await expect(warm).rejects.toThrow(/weights of the backbone, got others.*model.backbone/)
  })

  it('refuses a head on a backbone that was trained', async () => {
    const published = withHead(await cloneNetwork(trained), 8)
    const warm = warmStudent(published, other, await inputOf('head', other))
    await expect(warm).rejects.toThrow(/frozen backbone.*model.recipe=finetune/)
  })

  it('leaves no tensor behind', async () => {
    const input = await inputOf('scratch', pixels)
    const before = tf.memory().numTensors
    await warmStudent(trained, pixels, input)
    expect(tf.memory().numTensors).toBe(before)
  })
})
