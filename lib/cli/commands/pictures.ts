import type { CommandGroup } from '../command-definition.ts'

const quarantine = () => import('../quarantine.ts')

/** Single pictures, and records that became none. */
export const pictureCommands: readonly CommandGroup[] = [
  {
    name: 'image',
    meaning: 'single pictures',
    commands: [
      {
        words: 'show <id>',
        meaning: 'what is known of a picture',
        example: 'image show 3f2a',
        load: async () => (await import('../image.ts')).imageShow,
      },
    ],
  },
  {
    name: 'quarantine',
    meaning: 'records set aside',
    commands: [
      {
        words: 'list',
        meaning: 'all of them, with reasons',
        example: 'quarantine list',
        load: async () => (await quarantine()).quarantineList,
      },
      {
        words: 'show <id>',
        meaning: 'one record',
        example: 'quarantine show 0',
        load: async () => (await quarantine()).quarantineShow,
      },
      {
        words: 'replay [id...]',
        meaning: 'send records again',
        example: 'quarantine replay --reason IMAGE_DECODE',
        options: [{ flags: '--reason <code>', meaning: 'all records with this code' }],
        load: async () => (await quarantine()).quarantineReplay,
      },
    ],
  },
]
