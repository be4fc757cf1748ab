import { Command, Option } from 'commander'
import type { CommandDefinition, CommandGroup, OptionDefinition } from './command-definition.ts'
import { learnCommands } from './commands/learn.ts'
import { modelsCommands } from './commands/models.ts'
import { operateCommands } from './commands/operate.ts'
import { pictureCommands } from './commands/pictures.ts'
import { indexCommands } from './commands/search-index.ts'
import { startCommands } from './commands/start.ts'
import { useCommands } from './commands/use.ts'
import type { GlobalOptions } from './context.ts'

const commands: readonly (CommandDefinition | CommandGroup)[] = [
  ...startCommands,
  ...useCommands,
  ...learnCommands,
  modelsCommands,
  indexCommands,
  ...pictureCommands,
  ...operateCommands,
]

const newcomer = `Three commands to begin with:
  contrastream demo                     generated pictures, one gated model, two minutes
  contrastream run ./photos             your own folder, embedded, clustered and learnt from
  contrastream doctor                   what works on this machine, and what does not

\`contrastream --help\` lists the others.`

/** An option that may be given several times. */
const collect = (value: string, before: readonly string[]): readonly string[] => [...before, value]

/** Gives a command the options that all commands take. */
function withGlobals(command: Command): Command {
  return command
    .option('--config <file>', 'settings file; default contrastream.yaml, if there is one')
    .option('--data <folder>', 'data folder; default ./contrastream-data')
    .option('--set <key=value>', 'a setting, the key dotted; may be repeated', collect, [])
    .option('--json', 'one JSON object a line on standard output')
    .option('--quiet', 'no lines for people')
    .option('--verbose', 'stack traces')
}

function optionOf({ flags, meaning, otherwise, isRequired = false }: OptionDefinition): Option {
  return new Option(flags, meaning).default(otherwise).makeOptionMandatory(isRequired)
}

/** Declares one command under the program, or under the word of its group. */
function declare(parent: Command, definition: CommandDefinition): void {
  const { words, meaning, example, options = [], load } = definition
  const command = parent.command(words).description(meaning)
  for (const option of options) command.addOption(optionOf(option))
  withGlobals(command).addHelpText('after', `\nExample:\n  contrastream ${example}`)
  command.action(async (...given: unknown[]) => {
    const action = await load()
    const args = given.slice(0, -2) as (string | readonly string[])[]
    await action(args, command.opts<GlobalOptions>() as never)
  })
}

/** The command line; each command is loaded when it is called. */
export function program(): Command {
  const program = new Command('contrastream')
    .description('Unlabeled pictures in, gated and versioned embedding models out.')
    .showHelpAfterError('(`--help` shows what there is)')
    .exitOverride() // the edge ends the process, with the codes that we document
    .action(() => {
      process.stdout.write(`${newcomer}\n`)
    })
  for (const one of commands) {
    if ('words' in one) declare(program, one)
    else {
      const group = program.command(one.name).description(one.meaning)
      for (const command of one.commands) declare(group, command)
    }
  }
  return program
}
