/**
 * Everything that must hold before a commit: `npm test`. A step that fails does not keep the
 * later ones from running; the last line counts tests and steps.
 */
import { spawn } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** How many checks held and how many did not. */
interface Count {
  readonly passed: number
  readonly failed: number
}

const root = fileURLToPath(new URL('..', import.meta.url))
const programs = join(root, 'node_modules', '.bin')

/** A step that takes longer hangs. */
const stepMs = 30 * 60_000

/** Runs an installed program with our output, and says whether it ended well. */
function run(program: string, args: readonly string[]): Promise<boolean> {
  const child = spawn(join(programs, program), args, {
    cwd: root,
    // Its `#!/usr/bin/env node` then finds the Node that the project names.
    env: { ...process.env, PATH: `${programs}${delimiter}${process.env['PATH'] ?? ''}` },
    stdio: 'inherit',
    timeout: stepMs,
  })
  return new Promise((resolve) => {
    child.on('error', () => resolve(false))
    child.on('exit', (code) => resolve(code === 0))
  })
}

/** A step that holds or does not. */
async function step(program: string, args: readonly string[]): Promise<Count> {
  return (await run(program, args)) ? { passed: 1, failed: 0 } : { passed: 0, failed: 1 }
}

/** The tests of one vitest project, each counted. */
async function tests(project: string): Promise<Count> {
  const folder = await mkdtemp(join(tmpdir(), 'contrastream-check-'))
  const file = join(folder, 'report.json')
  try {
    const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${file}`]
    const held = await run('vitest', [
      'run',
      '--project',
      project,
      '--passWithNoTests',
      ...reporters,
    ])
    const report = await reportOf(file)
    // Files that do not load, and errors outside of tests, fail the run without a test of their own.
    return { passed: report.passed, failed: Math.max(report.failed, held ? 0 : 1) }
  } finally {
    await rm(folder, { recursive: true })
  }
}

/** Counts of a JSON report; none if the run died before it wrote one. */
async function reportOf(file: string): Promise<Count> {
  const text = await readFile(file, 'utf8').catch(() => '{}')
  const report = JSON.parse(text) as { numPassedTests?: number; numFailedTests?: number }
  return { passed: report.numPassedTests ?? 0, failed: report.numFailedTests ?? 0 }
}

/** Where our code is. */
const folders = ['lib', 'functions', 'cdk', 'docker', 'test', 'bench']

const steps: readonly (readonly [name: string, check: () => Promise<Count>])[] = [
  ['types', () => step('tsc', ['-p', 'tsconfig.json', '--noEmit'])],
  ['types of cdk', () => step('tsc', ['-p', 'cdk/tsconfig.json', '--noEmit'])],
  ['lint', () => step('biome', ['check', '--error-on-warnings', '.'])],
  ['imports', () => step('depcruise', ['--config', '.dependency-cruiser.cjs', ...folders])],
  ['dead code', () => step('knip', [])],
  ['docs', () => step('typedoc', ['--emit', 'none'])],
  ['unit tests', () => tests('unit')],
  ['s3 tests', () => tests('s3')],
  ['cdk tests', () => tests('cdk')],
  ['integration tests', () => tests('integration')],
  ['kafka tests', () => tests('kafka')],
]

let passed = 0
let failed = 0
const broken: string[] = []
for (const [name, check] of steps) {
  console.log(`\n${name}`)
  const count = await check()
  passed += count.passed
  failed += count.failed
  if (count.failed > 0) broken.push(name)
}
if (broken.length > 0) console.log(`\nnot in order: ${broken.join(', ')}`)
console.log(`\n${passed} passed, ${failed} failed`)
process.exitCode = failed === 0 ? 0 : 1
