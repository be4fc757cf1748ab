import type { CommandDefinition, CommandGroup } from '../command-definition.ts'

const token = () => import('../token.ts')
const config = () => import('../config.ts')
const backup = () => import('../backup.ts')

/** What operators need. */
export const operateCommands: readonly (CommandDefinition | CommandGroup)[] = [
  {
    words: 'backup <target>',
    meaning: 'copy everything to a folder while the service runs; again: only what is new',
    example: 'backup /mnt/backup/shelves',
    load: async () => (await backup()).backupCommand,
  },
  {
    words: 'restore <source>',
    meaning: 'put a backup into an empty place, all of it verified',
    example: 'restore /mnt/backup/shelves --data ./contrastream-data',
    load: async () => (await backup()).restoreCommand,
  },
  {
    name: 'token',
    meaning: 'who may use the service over the network',
    commands: [
      {
        words: 'create',
        meaning: 'make a token; it is shown once',
        example: 'token create --scope read --days 90',
        options: [
          { flags: '--scope <scope>', meaning: 'read, ingest or admin', isRequired: true },
          { flags: '--days <n>', meaning: 'after which it ends; default never' },
        ],
        load: async () => (await token()).tokenCreate,
      },
      {
        words: 'list',
        meaning: 'all tokens, never their secrets',
        example: 'token list',
        load: async () => (await token()).tokenList,
      },
      {
        words: 'revoke <id>',
        meaning: 'end a token, within 30 seconds',
        example: 'token revoke 3f2a9c1e07b4',
        load: async () => (await token()).tokenRevoke,
      },
    ],
  },
  {
    name: 'config',
    meaning: 'settings',
    commands: [
      {
        words: 'print',
        meaning: 'the settings in force',
        example: 'config print',
        load: async () => (await config()).configPrint,
      },
      {
        words: 'check',
        meaning: 'find faults in the settings',
        example: 'config check',
        load: async () => (await config()).configCheck,
      },
      {
        words: 'schema',
        meaning: 'JSON Schema of the settings file',
        example: 'config schema',
        load: async () => (await config()).configSchemaCommand,
      },
    ],
  },
]
