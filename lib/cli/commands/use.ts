import type { CommandDefinition, OptionDefinition } from '../command-definition.ts'

const model: OptionDefinition = {
  flags: '--model <version>',
  meaning: 'stable, baseline or a version such as v3',
  otherwise: 'stable',
}
const labels: OptionDefinition = {
  flags: '--labels <folders|csv>',
  meaning: 'parent folder, or picture,class CSV',
  isRequired: true,
}

/** What models are used and measured with. */
export const useCommands: readonly CommandDefinition[] = [
  {
    words: 'embed <image...>',
    meaning: 'vectors of pictures, by the stable model',
    example: 'embed ./photos/apple.jpg --json',
    options: [model],
    load: async () => (await import('../embed.ts')).embedCommand,
  },
  {
    words: 'search <image>',
    meaning: 'the most similar pictures that are kept',
    example: 'search ./photos/apple.jpg -k 5',
    options: [
      model,
      { flags: '--release <name>', meaning: 'stable or previous, in place of --model' },
      { flags: '-k <n>', meaning: 'how many', otherwise: '10' },
    ],
    load: async () => (await import('../search.ts')).searchCommand,
  },
  {
    words: 'eval <folder>',
    meaning: 'Recall@K, MAP@R, R-precision and NMI on labelled pictures, beside the baseline',
    example: 'eval ./labelled --labels folders',
    options: [model, labels],
    load: async () => (await import('../eval.ts')).evalCommand,
  },
  {
    words: 'train <folder>',
    meaning: 'supervised: the same loss and recipes on true labels',
    example: 'train ./labelled --labels folders --out ./model',
    options: [
      labels,
      {
        flags: '--out <folder>',
        meaning: 'where the model goes; absent or empty',
        isRequired: true,
      },
    ],
    load: async () => (await import('../train.ts')).trainCommand,
  },
  {
    words: 'gate <version>',
    meaning: 'judge a version again, against stable on the frozen probes',
    example: 'gate v3',
    load: async () => (await import('../gate.ts')).gateCommand,
  },
]
