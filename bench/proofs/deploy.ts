import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { cdkCommand, copyCheckout, deployAll } from './cdk-command.ts'
import { emulatedAccount } from './emulated-account.ts'
import type { Proof } from './proof.ts'

/** What the command says of a stack that it leaves alone, seven times. */
const unchanged = /^(?:[\s\S]*?\(no changes\)){7}/

/** The CDK's own command against an emulated account: deployed, deployed again, compared. */
export const deploy: Proof = async () => {
  const work = mkdtempSync(join(tmpdir(), 'contrastream-deploy-'))
  copyCheckout(work)
  const account = await emulatedAccount()
  try {
    const lines: string[] = []
    const step = async (
      what: string,
      words: readonly string[],
      says?: RegExp,
    ): Promise<boolean> => {
      const { code, text, seconds } = await cdkCommand(words, account, work)
      const holds = code === 0 && (says === undefined || says.test(text))
      lines.push(`${what}: ${holds ? 'holds' : 'FALLS SHORT'}, ${seconds} s`)
      if (!holds) lines.push(text.slice(-4_000))
      return holds
    }
    const holds =
      (await step('bootstrap', ['bootstrap'])) &&
      (await step('first deployment', deployAll)) &&
      (await step('second one: none of seven stacks changes', deployAll, unchanged)) &&
      (await step('diff: nothing differs', ['diff', '**', '--fail', '--method', 'template']))
    return { lines, holds }
  } finally {
    await account.stop()
    rmSync(work, { recursive: true, force: true })
  }
}
