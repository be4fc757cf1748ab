import type { CommandDefinition, CommandGroup } from '../command-definition.ts'

/** What a newcomer runs, and what has to be installed for it. */
export const startCommands: readonly (CommandDefinition | CommandGroup)[] = [
  {
    words: 'run [folder...]',
    meaning: 'take pictures in, learn from them, publish models; resumes by default',
    example: 'run ./photos --until idle',
    options: [
      {
        flags: '--role <name>',
        meaning: 'one role alone: ingest, embed, learn or serve; not on sqlite',
      },
      { flags: '--until <idle>', meaning: 'end when all is taken in and nothing is left to learn' },
      { flags: '--rounds <n>', meaning: 'end after n rounds' },
      { flags: '--lineage <name>', meaning: 'a history of its own' },
      {
        flags: '--warm-start <model>',
        meaning: 'new lineage: weights of a version or a folder of `train`',
      },
      {
        flags: '--from <when>',
        meaning: 'new lineage: earliest (the default), latest or a time',
      },
    ],
    load: async () => (await import('../run.ts')).runCommand,
  },
  {
    words: 'demo',
    meaning: 'generated pictures, clusters and one gated model, with MAP@R before and after',
    example: 'demo --keep',
    options: [
      { flags: '--keep', meaning: 'keep the data folder' },
      { flags: '--until <idle>', meaning: 'the default' },
    ],
    load: async () => (await import('../demo.ts')).demoCommand,
  },
  {
    words: 'doctor',
    meaning: 'what works on this machine, what does not, and the remedy beside it',
    example: 'doctor',
    load: async () => (await import('../doctor.ts')).doctorCommand,
  },
  {
    name: 'engine',
    meaning: 'the tensor engine',
    commands: [
      {
        words: 'install',
        meaning: 'fetch libtensorflow and build the native engine',
        example: 'engine install',
        options: [
          { flags: '--cuda', meaning: 'with CUDA' },
          {
            flags: '--if-missing',
            meaning: 'do nothing when it is there, and succeed when it cannot be',
          },
        ],
        load: async () => (await import('../engine.ts')).engineInstall,
      },
    ],
  },
  {
    name: 'backbone',
    meaning: 'pretrained networks',
    commands: [
      {
        words: 'install <name>',
        meaning: 'fetch mobilenet-v2 or efficientnet-lite0, check and convert it',
        example: 'backbone install mobilenet-v2',
        load: async () => (await import('../backbone.ts')).backboneInstall,
      },
    ],
  },
]
