import type { CommandGroup } from '../command-definition.ts'

const searchIndex = () => import('../search-index.ts')

/** What searches are answered from. */
export const indexCommands: CommandGroup = {
  name: 'index',
  meaning: 'the vectors that searches are answered from',
  commands: [
    {
      words: 'status',
      meaning: 'generations with their state, size, coverage and recall',
      example: 'index status',
      load: async () => (await searchIndex()).indexStatus,
    },
    {
      words: 'rebuild',
      meaning: 'embed all pictures of the index again, by the stable version',
      example: 'index rebuild --plan',
      options: [{ flags: '--plan', meaning: 'only say how many, how long and how large' }],
      load: async () => (await searchIndex()).indexRebuild,
    },
  ],
}
