import { createHash } from 'node:crypto'
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { sets } from '../laboratory/task.ts'
import { type Line, program } from './program.ts'
import type { Proof } from './proof.ts'

const batches = 4
/** Every so many pictures of a streamed class are kept for measuring. */
const keptEvery = 5
/** Clusters that get a name after the first round: the largest that are clearly of one class. */
const named = 5
const clearShare = 0.8
/** Share of the names that must still stand for their class at the end. */
const survivors = 0.8
/** Largest fall of MAP@R from one stable version to the next. */
const tolerated = 0.01

/** Pictures of a task, parted into four arrivals and those that measure. */
function layOut(work: string): readonly (readonly string[])[] {
  const { folder, isStreamed } = sets.grocery
  const classes = readdirSync(folder).filter((name) => /^\d/.test(name))
  const streamed = classes.filter(isStreamed)
  mkdirSync(join(work, 'measured'))
  for (const name of classes) {
    mkdirSync(join(work, 'measured', name))
    for (const [i, picture] of readdirSync(join(folder, name)).sort().entries()) {
      if (isStreamed(name) && i % keptEvery !== 0) continue
      cpSync(join(folder, name, picture), join(work, 'measured', name, picture))
    }
  }
  const size = Math.ceil(streamed.length / batches)
  return Array.from({ length: batches }, (_, i) => streamed.slice(i * size, (i + 1) * size))
}

/** Lets the pictures of some classes arrive; answers the class of each by its image id. */
function arrive(work: string, classes: readonly string[]): Map<string, string> {
  const { folder } = sets.grocery
  const known = new Map<string, string>()
  for (const name of classes) {
    mkdirSync(join(work, 'arriving', name), { recursive: true })
    for (const [i, picture] of readdirSync(join(folder, name)).sort().entries()) {
      if (i % keptEvery === 0) continue
      const from = join(folder, name, picture)
      known.set(createHash('sha256').update(readFileSync(from)).digest('hex'), name)
      cpSync(from, join(work, 'arriving', name, picture))
    }
  }
  return known
}

/** The class that most pictures of a cluster have, and their share. */
function dominant(pictures: readonly Line[], classes: ReadonlyMap<string, string>) {
  const counts = new Map<string, number>()
  for (const { id } of pictures) {
    const name = classes.get(String(id)) ?? ''
    counts.set(name, (counts.get(name) ?? 0) + 1)
  }
  const [name = '', count = 0] = [...counts].sort((a, b) => b[1] - a[1])[0] ?? []
  return { name, share: count / Math.max(1, pictures.length) }
}

/** What became of the figures and names of one seed. */
interface Followed {
  readonly lines: readonly string[]
  readonly worst: number
  readonly names: number
  readonly kept: number
  readonly moved: number
}

async function oneSeed(seed: number): Promise<Followed> {
  const work = mkdtempSync(join(tmpdir(), 'contrastream-rounds-'))
  try {
    const settings = [`model.backbone=${sets.grocery.backbone}`, 'image.size=64', `seed=${seed}`]
    const common = ['--data', join(work, 'data'), ...settings.flatMap((one) => ['--set', one])]
    const measured = ['eval', join(work, 'measured'), '--labels', 'folders', ...common]
    const classes = new Map<string, string>()
    const names = new Map<string, string>()
    const figures: number[] = []
    const lines: string[] = []
    for (const [number, batch] of layOut(work).entries()) {
      for (const [id, name] of arrive(work, batch)) classes.set(id, name)
      const run = await program(['run', join(work, 'arriving'), '--until', 'idle', ...common])
      const { verdict, reason, stable } = run.at(-1) ?? {}
      const [found = {}] = await program(measured)
      if (number === 0) {
        const baseline = found['baseline'] as Record<string, number>
        figures.push(Number(baseline['mapAtR']))
        lines.push(`seed ${seed} · frozen: MAP@R ${figures[0]?.toFixed(3)}`)
      }
      figures.push(Number(found['mapAtR']))
      lines.push(
        `seed ${seed} · batch ${number + 1} (${batch.length} classes): ${verdict}, stable ${stable}, MAP@R ${figures.at(-1)?.toFixed(3)} · ${reason}`,
      )
      console.log(lines.at(-1))
      if (names.size > 0 || verdict === undefined) continue
      const clusters = await program(['clusters', 'list', ...common])
      for (const { identity } of clusters) {
        if (names.size >= named) break
        const [shown = {}] = await program(['clusters', 'show', String(identity), ...common])
        const { name, share } = dominant(shown['pictures'] as Line[], classes)
        if (share < clearShare) continue
        names.set(String(identity), name)
        await program(['clusters', 'name', String(identity), name, ...common])
      }
    }
    const standing = new Set<string>()
    const strayed = new Set<string>()
    for (const { identity, name } of await program(['clusters', 'list', ...common])) {
      if (name === undefined) continue
      const [shown = {}] = await program(['clusters', 'show', String(identity), ...common])
      const now = dominant(shown['pictures'] as Line[], classes)
      ;(now.name === name ? standing : strayed).add(String(name))
    }
    const given = [...names.values()]
    const kept = given.filter((name) => standing.has(name)).length
    const moved = given.filter((name) => strayed.has(name) && !standing.has(name)).length
    const falls = figures.slice(1).map((value, i) => (figures[i] as number) - value)
    const worst = Math.max(...falls)
    lines.push(
      `seed ${seed} · largest fall from one stable version to the next ${worst.toFixed(3)}; of ${names.size} named clusters ${kept} still hold their class, ${moved} hold another, ${names.size - kept - moved} are gone`,
    )
    return { lines, worst, names: names.size, kept, moved }
  } finally {
    rmSync(work, { recursive: true, force: true })
  }
}

/** Classes that arrive in four batches: does a stable model ever forget, do names stay true? */
export const rounds: Proof = async (args) => {
  const { folder } = sets.grocery
  if (!existsSync(folder)) return { lines: [`no pictures at ${basename(folder)}`], holds: false }
  const found: Followed[] = []
  for (const seed of args.length > 0 ? args.map(Number) : [1, 2, 3]) found.push(await oneSeed(seed))
  const sum = (of: (one: Followed) => number) => found.reduce((total, one) => total + of(one), 0)
  const [names, kept, moved] = [
    sum((one) => one.names),
    sum((one) => one.kept),
    sum((one) => one.moved),
  ]
  const worst = Math.max(...found.map((one) => one.worst))
  return {
    lines: [
      ...found.flatMap(({ lines }) => lines),
      `largest fall ${worst.toFixed(3)}, tolerated ${tolerated}; of ${names} names ${kept} still stand for their class, ${moved} for another`,
    ],
    holds: worst <= tolerated && names > 0 && kept >= survivors * names && moved === 0,
  }
}
