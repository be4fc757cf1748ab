import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Assembly, everyContext, synthesise } from './assembly.ts'
import type { Proof } from './proof.ts'
import { pythonTool } from './python-tool.ts'

/** cfn-lint counts what the CDK writes twice; nothing else is left out. */
const redundant = 'W3005'

function named(context: Readonly<Record<string, string>>): string {
  const { stage, kafka, kafkaAuth } = context
  return [stage, kafka, kafkaAuth].filter((part) => part !== undefined).join(' · ')
}

function lint(program: string, { files }: Assembly): string {
  const { stdout, status } = spawnSync(program, ['-i', redundant, '-t', ...files], {
    encoding: 'utf8',
  })
  return status === 0 ? '' : stdout
}

/**
 * All stages with all kinds of Kafka, as `cdk synth` makes them: offline, the CDK's validation and
 * cdk-nag on, then cfn-lint.
 */
export const synth: Proof = async () => {
  const work = mkdtempSync(join(tmpdir(), 'contrastream-synth-'))
  const program = pythonTool('cfn-lint')
  const lines: string[] = []
  let holds = true
  try {
    for (const [i, context] of everyContext().entries()) {
      const assembly = await synthesise(context, join(work, String(i)), true)
      const stacks = Object.values(assembly.templates)
      const count = stacks.reduce((sum, one) => sum + Object.keys(one.Resources).length, 0)
      const findings = [assembly.output, assembly.isSound ? lint(program, assembly) : '']
      const said = findings.filter((text) => text !== '').join('\n')
      if (said !== '' || !assembly.isSound) holds = false
      const verdict = said === '' ? 'no finding' : said
      lines.push(`${named(context)}: ${stacks.length} stacks, ${count} resources, ${verdict}`)
    }
    return { lines, holds }
  } finally {
    rmSync(work, { recursive: true })
  }
}
