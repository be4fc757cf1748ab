import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { encodePng } from '../../lib/image/encode.ts'
import { glyphPicture, glyphSize } from '../../lib/service/demo-glyphs.ts'

/** Writes generated glyphs, a folder for each kind; always the same. */
export async function writeGlyphs(folder: string, kinds: number, each: number): Promise<void> {
  for (let kind = 0; kind < kinds; kind += 1) {
    const into = join(folder, `kind-${kind}`)
    mkdirSync(into, { recursive: true })
    for (let number = 0; number < each; number += 1) {
      const png = await encodePng(glyphPicture(5, kind, number), glyphSize, glyphSize)
      writeFileSync(join(into, `${number}.png`), png)
    }
  }
}
