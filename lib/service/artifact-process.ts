import { selectEngine } from '../engine/select.ts'
import { preprocess } from '../image/preprocess.ts'
import { loadArtifact } from '../model/artifact.ts'
import { embedMatrix } from '../model/encoder.ts'
import type { ArtifactAnswer, ArtifactCheck } from './check-artifact.ts'

async function answer(check: ArtifactCheck): Promise<ArtifactAnswer> {
  try {
    await selectEngine(check.engine)
    const network = await loadArtifact(check.files)
    const { data } = await embedMatrix(network, [preprocess(check.pixels, check.preprocessing)])
    return { data }
  } catch (error) {
    return { fault: error instanceof Error ? error.message : String(error) }
  }
}

process.once('message', (check) => {
  void answer(check as ArtifactCheck).then((result) => process.send?.(result))
})
