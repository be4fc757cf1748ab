import { randomStream } from '../../lib/engine/random.ts'
import { selectEngine } from '../../lib/engine/select.ts'
import { tf } from '../../lib/engine/tf.ts'
import { saveArtifact, writeModelFolder } from '../../lib/model/artifact.ts'
import { glyphSize } from '../../lib/service/demo-glyphs.ts'

const features = 64
/** Features that drown the others, as those of a badly trained network may. */
const loud = 8

/** Random projections of the pixels, a few of them far too loud: much for a head to mend. */
export async function writeLoudBackbone(into: string): Promise<void> {
  await selectEngine('wasm')
  const pixels = glyphSize * glyphSize
  const random = randomStream(2, 'projections')
  const kernel = Float32Array.from({ length: pixels * features }, (_, i) => {
    const scale = i % features < loud ? 30 : 1
    return (scale * random.normal()) / glyphSize
  })
  const network = tf.sequential({
    layers: [
      tf.layers.flatten({ inputShape: [glyphSize, glyphSize, 1] }),
      tf.layers.dense({ units: features, useBias: false, name: 'features' }),
    ],
  })
  network.getLayer('features').setWeights([tf.tensor2d(kernel, [pixels, features])])
  await writeModelFolder(into, await saveArtifact(network))
}
