/** What a command does with its arguments and the options that its definition names. */
export type CommandAction = (
  args: readonly (string | readonly string[])[],
  options: never,
) => Promise<void>

/** One option of a command: how it is written, and what it means. */
export interface OptionDefinition {
  readonly flags: string
  readonly meaning: string
  /** Taken when it is left out. */
  readonly otherwise?: string
  readonly isRequired?: boolean
}

/** One command: its words, what it is for, an example, and the file that does it. */
export interface CommandDefinition {
  /** Its name and its arguments, as `--help` shows them: `show <id>`. */
  readonly words: string
  readonly meaning: string
  /** What follows `contrastream` in a call that means something. */
  readonly example: string
  readonly options?: readonly OptionDefinition[]
  /** Loaded when it is called: nothing else waits for what only one command needs. */
  readonly load: () => Promise<CommandAction>
}

/** Commands behind a common word. */
export interface CommandGroup {
  readonly name: string
  readonly meaning: string
  readonly commands: readonly CommandDefinition[]
}
