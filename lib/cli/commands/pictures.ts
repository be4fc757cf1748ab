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
      {
        words: 'forget [id...]',
        meaning: 'erase pictures everywhere, wait for it, and say what stays',
        example: 'image forget --source old-camera',
        options: [
          { flags: '--source <name>', meaning: 'every picture of a source instead of ids' },
          { flags: '--reason <text>', meaning: 'why, for the record' },
          { flags: '--no-wait', meaning: 'end as soon as the wish is written down' },
        ],
        load: async () => (await import('../image-forget.ts')).imageForget,
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
