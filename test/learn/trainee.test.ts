import { describe, expect, it, onTestFinished } from 'vitest'
import { type Tensor, tf } from '../../lib/engine/tf.ts'
import { headFeatures, headViews } from '../../lib/learn/head-features.ts'
import type { SampledBatch } from '../../lib/learn/sampler.ts'
import { headTrainee, networkTrainee, type Trainee } from '../../lib/learn/trainee.ts'
import { conv4 } from '../../lib/model/conv4.ts'
import { flatten } from '../../lib/model/flatten.ts'
import { headName } from '../../lib/model/head.ts'
import { tinyIds, tinyPictures, tinySize } from './tiny.ts'

const ids = tinyIds(5, 4)
const pictures = tinyPictures()
const batch: SampledBatch = {
  pictures: Int32Array.of(7, 7, 2),
  views: Int32Array.of(0, 1, 0),
  labels: Int32Array.of(1, 1, 0),
}
const side = tinySize * tinySize

const conv = (): Trainee => {
  const network = conv4({ size: tinySize, channels: 1, dim: 8, seed: 1 })
  onTestFinished(() => {
    network.dispose()
  })
  return networkTrainee(network, pictures, ids, 'scratch')
}

const baseline = flatten({ size: tinySize, channels: 1 })

async function head(): Promise<Trainee> {
  const init = tf.initializers.glorotUniform({ seed: 3 })
  const layer = tf.layers.dense({
    name: headName,
    units: 8,
    inputShape: [side],
    kernelInitializer: init,
  })
  const network = tf.sequential({ layers: [layer] })
  const trainee = headTrainee(network, await headFeatures(baseline, pictures, ids))
  onTestFinished(() => {
    trainee.dispose()
    network.dispose()
  })
  return trainee
}

const valuesOf = async (tensor: Tensor) => Array.from(await tensor.data())

describe.each([
  ['networkTrainee', async () => conv()],
  ['headTrainee', head],
] as const)('%s', (_, start) => {
  it('embeds every picture in order as unit rows', async () => {
    const { rows, dim, data } = await (await start()).embedAll()
    expect([rows, dim]).toEqual([20, 8])
    for (let row = 0; row < rows; row += 1) {
      expect(Math.hypot(...data.subarray(row * dim, (row + 1) * dim))).toBeCloseTo(1, 4)
    }
  })

  it('goes back to a snapshot of its weights', async () => {
    const trainee = await start()
    const before = await trainee.embedAll()
    const snapshot = await trainee.snapshot()
    trainee.restore(snapshot.map((values) => values.map((value, i) => value + 0.1 * (i % 3))))
    expect((await trainee.embedAll()).data).not.toEqual(before.data)
    trainee.restore(snapshot)
    expect((await trainee.embedAll()).data).toEqual(before.data)
  })

  it('passes gradients to every variable', async () => {
    const trainee = await start()
    const inputs = await trainee.inputs(batch, 0)
    const { grads } = tf.variableGrads(
      () => tf.sum(tf.square(tf.slice(trainee.embed(inputs), [0, 0], [3, 3]))).asScalar(),
      [...trainee.variables],
    )
    expect(Object.keys(grads)).toHaveLength(trainee.variables.length)
    const kernel = grads[trainee.variables[0]?.name as string] as Tensor
    expect((await valuesOf(kernel)).some((value) => value !== 0)).toBe(true)
    tf.dispose([inputs, ...Object.values(grads)])
  })

  it('leaves no tensor behind but the inputs that it hands out', async () => {
    const trainee = await start()
    const before = tf.memory().numTensors
    await trainee.embedAll()
    trainee.restore(await trainee.snapshot())
    const inputs = await trainee.inputs(batch, 0)
    tf.tidy(() => void trainee.embed(inputs))
    inputs.dispose()
    expect(tf.memory().numTensors).toBe(before)
  })
})

describe('networkTrainee', () => {
  it('shows the pictures of the batch, varied by view and step', async () => {
    const trainee = conv()
    const shown = await trainee.inputs(batch, 3)
    const names = [ids[7], ids[7], ids[2]] as string[]
    const expected = await pictures.varied(names, [0, 1, 0], 3)
    expect(await valuesOf(shown)).toEqual(await valuesOf(expected))
  })
})

describe('headTrainee', () => {
  it('shows the cached views of the pictures of the batch, two different ones', async () => {
    const trainee = await head()
    const { views } = await headFeatures(baseline, pictures, ids)
    const rowOf = (picture: number, view: number) => {
      const at = (picture * headViews + view) * side
      return Array.from(views.data.subarray(at, at + side))
    }
    const values = await valuesOf(await trainee.inputs(batch, 4))
    expect(values).toEqual([...rowOf(7, 4), ...rowOf(7, 0), ...rowOf(2, 4)])
  })

  it('caches the plain view first and varied ones after it', async () => {
    const { plain, views } = await headFeatures(baseline, pictures, ids)
    const plainPixels = await valuesOf(await pictures.plain(ids))
    expect(Array.from(plain.data)).toEqual(plainPixels)
    const row = (i: number) => Array.from(views.data.subarray(i * side, (i + 1) * side))
    expect(row(3 * headViews)).toEqual(plainPixels.slice(3 * side, 4 * side))
    expect(row(3 * headViews + 1)).not.toEqual(row(3 * headViews))
    expect(row(3 * headViews + 2)).not.toEqual(row(3 * headViews + 1))
  })
})
