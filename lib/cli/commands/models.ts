import type { CommandGroup } from '../command-definition.ts'

const models = () => import('../models.ts')

/** Published versions. */
export const modelsCommands: CommandGroup = {
  name: 'models',
  meaning: 'published versions',
  commands: [
    {
      words: 'list',
      meaning: 'all versions with their verdicts',
      example: 'models list',
      load: async () => (await models()).modelsList,
    },
    {
      words: 'show <version>',
      meaning: 'one version',
      example: 'models show v3',
      load: async () => (await models()).modelsShow,
    },
    {
      words: 'diff <a> <b>',
      meaning: 'gate figures side by side',
      example: 'models diff v2 v3',
      load: async () => (await models()).modelsDiff,
    },
    {
      words: 'promote <version>',
      meaning: 'make a version stable, and lift a pin',
      example: 'models promote v3',
      options: [{ flags: '--reason <text>', meaning: 'for the audit' }],
      load: async () => (await models()).modelsPromote,
    },
    {
      words: 'rollback',
      meaning: 'make the previous version stable again, and pin it',
      example: 'models rollback --reason "worse on new shelves"',
      options: [
        { flags: '--to <version>', meaning: 'another than the previous' },
        { flags: '--reason <text>', meaning: 'for the audit' },
      ],
      load: async () => (await models()).modelsRollback,
    },
    {
      words: 'gc',
      meaning: 'remove what is past its time and nothing needs',
      example: 'models gc --plan',
      options: [{ flags: '--plan', meaning: 'only say what would go' }],
      load: async () => (await import('../models-gc.ts')).modelsGc,
    },
    {
      words: 'export [version]',
      meaning: 'a model as plain TensorFlow.js, or the vectors of its index',
      example: 'models export --as tfjs --out ./model',
      options: [
        { flags: '--as <form>', meaning: 'tfjs, csv or projector', otherwise: 'tfjs' },
        { flags: '--out <folder>', meaning: 'absent or empty', isRequired: true },
      ],
      load: async () => (await import('../models-export.ts')).modelsExport,
    },
  ],
}
