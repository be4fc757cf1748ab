import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { program } from './program.ts'
import { type Found, type Proof, spread } from './proof.ts'

/** Pictures whose classes are parted into those that are streamed and those that are measured. */
interface Task {
  readonly folder: string
  /** Class folders, by whether the stream shows them. */
  readonly split: (folder: string) => { readonly streamed: string[]; readonly unseen: string[] }
  readonly settings: readonly string[]
  readonly holds: (figures: Figures) => boolean
  readonly claim: string
}

interface Figures {
  readonly mapAtR: number
  readonly recallAt1: number
  readonly baselineMapAtR: number
}

const shared = resolve('../shared')
const seeds = [1, 2, 3]

function grocerySplit(folder: string) {
  const classes = readdirSync(folder).filter((name) => /^\d/.test(name))
  const isEven = (name: string) => Number.parseInt(name, 10) % 2 === 0
  return { streamed: classes.filter(isEven), unseen: classes.filter((name) => !isEven(name)) }
}

const trainAlphabets = ['Balinese', 'Early_Aramaic', 'Greek', 'Japanese_(katakana)']

function omniglotSplit(folder: string) {
  const alphabets = readdirSync(folder)
  return {
    streamed: alphabets.filter((name) => trainAlphabets.includes(name)),
    unseen: alphabets.filter((name) => !trainAlphabets.includes(name)),
  }
}

async function oneSeed(task: Task, seed: number): Promise<{ figures: Figures; text: string }> {
  const work = mkdtempSync(join(tmpdir(), 'contrastream-proof-'))
  try {
    const { streamed, unseen } = task.split(task.folder)
    for (const [part, names] of Object.entries({ streamed, unseen })) {
      mkdirSync(join(work, part))
      for (const name of names) {
        cpSync(join(task.folder, name), join(work, part, name), { recursive: true })
      }
    }
    const settings = [...task.settings, `seed=${seed}`].flatMap((pair) => ['--set', pair])
    const common = ['--data', join(work, 'data'), ...settings]
    const run = await program(['run', join(work, 'streamed'), '--until', 'idle', ...common])
    const summary = run.at(-1) ?? {}
    const round = run.find(({ event }) => event === 'round') ?? {}
    const [found = {}] = await program([
      'eval',
      join(work, 'unseen'),
      '--labels',
      'folders',
      ...common,
    ])
    const baseline = found['baseline'] as Record<string, number>
    const figures = {
      mapAtR: Number(found['mapAtR']),
      recallAt1: Number(found['recallAt1']),
      baselineMapAtR: Number(baseline['mapAtR']),
    }
    const why = summary['verdict'] === 'promote' ? '' : ` (${summary['reason']})`
    const text = `seed ${seed}: ${summary['verdict']}${why}, ${round['steps']} steps in ${Math.round(Number(round['seconds']))} s · MAP@R ${figures.mapAtR.toFixed(3)}, R@1 ${figures.recallAt1.toFixed(3)} · baseline ${figures.baselineMapAtR.toFixed(3)}, ${Number(baseline['recallAt1']).toFixed(3)}`
    console.log(text)
    return { figures, text }
  } finally {
    rmSync(work, { recursive: true, force: true })
  }
}

/** Streams some classes without labels, and measures `stable` on the others, seed by seed. */
function unseenClasses(task: Task): Proof {
  return async (args): Promise<Found> => {
    if (!existsSync(task.folder)) return { lines: [`no pictures at ${task.folder}`], holds: false }
    const chosen = args.length > 0 ? args.map(Number) : seeds
    const all: Figures[] = []
    for (const seed of chosen) all.push((await oneSeed(task, seed)).figures)
    const mapAtR = spread(all.map((one) => one.mapAtR))
    const recallAt1 = spread(all.map((one) => one.recallAt1))
    const baseline = spread(all.map((one) => one.baselineMapAtR))
    const mean = { mapAtR: mapAtR.mean, recallAt1: recallAt1.mean, baselineMapAtR: baseline.mean }
    return {
      lines: [
        `${task.claim}`,
        `MAP@R ${mapAtR.text} · R@1 ${recallAt1.text} · baseline MAP@R ${baseline.text} · ${all.length} seeds`,
      ],
      holds: task.holds(mean),
    }
  }
}

const groceryTask = (backbone: string, side: number, more: readonly string[] = []) => ({
  folder: join(shared, 'data/grocery-64'),
  split: grocerySplit,
  settings: [`model.backbone=${backbone}`, `image.size=${side}`, ...more],
})

/** `conv4` from scratch on drawings of 117 characters, measured on 125 others. */
export const omniglot: Proof = unseenClasses({
  folder: join(shared, 'data/omniglot/images'),
  split: omniglotSplit,
  settings: ['model.backbone=conv4', 'image.channels=grey'],
  claim: 'MAP@R ≥ .50',
  holds: ({ mapAtR }) => mapAtR >= 0.5,
})

/** MobileNetV1-0.25, all weights, 64 px. */
export const grocery: Proof = unseenClasses({
  ...groceryTask(join(shared, 'models/mobilenet_v1_0.25_128'), 64),
  claim: 'MAP@R ≥ .26, R@1 ≥ .90',
  holds: ({ mapAtR, recallAt1 }) => mapAtR >= 0.26 && recallAt1 >= 0.9,
})

/** MobileNetV1-0.5, all weights, 64 px. */
export const groceryHalf: Proof = unseenClasses({
  ...groceryTask(join(shared, 'models/mobilenet_v1_0.5_160'), 64),
  claim: 'MAP@R ≥ .28',
  holds: ({ mapAtR }) => mapAtR >= 0.28,
})

/** The default backbone at 96 px. */
export const groceryV2: Proof = unseenClasses({
  ...groceryTask('mobilenet-v2', 96, ['learn.maxRoundTime=30m']),
  claim: 'MAP@R at least 20 % above the frozen baseline',
  holds: ({ mapAtR, baselineMapAtR }) => mapAtR >= 1.2 * baselineMapAtR,
})
