import { type Tensor2D, tf } from '../../lib/engine/tf.ts'
import { adam, lossPresets, mapAtR, pairLoss, pairMasks, selectEngine } from '../../lib/index.ts'

// Metric learning on one's own tensors: 8 classes of noisy points, a linear map, twenty steps.
await selectEngine('auto')
const labels = Int32Array.from({ length: 120 }, (_, i) => i % 8)
const centres = tf.randomNormal([8, 32], 0, 1, 'float32', 1)
const noise = tf.randomNormal([120, 32], 0, 1.2, 'float32', 2)
const points = tf.add(tf.gather(centres, tf.tensor1d(labels, 'int32')), noise) as Tensor2D
const weights = tf.variable(tf.randomNormal([32, 16], 0, 0.2, 'float32', 3)) as never
const embed = () => {
  const rows = tf.matMul(points, weights) as Tensor2D
  return tf.div(rows, tf.norm(rows, 2, 1, true)) as Tensor2D
}
const quality = async () =>
  mapAtR({ rows: 120, dim: 16, data: await embed().data<'float32'>() }, labels)

const { positives, negatives } = pairMasks(labels)
const optimizer = adam([weights], { rate: 0.02 })
const before = await quality()
for (let step = 0; step < 20; step += 1) {
  const { value, grads } = tf.variableGrads(() => {
    const x = embed()
    return pairLoss(x, x, positives, negatives, lossPresets.calibrated).loss
  })
  optimizer.step(grads)
  tf.dispose([value, grads])
}
console.log(`MAP@R ${before.toFixed(3)} → ${(await quality()).toFixed(3)}`)
