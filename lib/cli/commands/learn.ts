import type { CommandGroup } from '../command-definition.ts'

const clusters = () => import('../clusters.ts')

/** What has been learnt without a label, and when to learn more. */
export const learnCommands: readonly CommandGroup[] = [
  {
    name: 'round',
    meaning: 'rounds of learning',
    commands: [
      {
        words: 'start',
        meaning: 'run a round now, if enough is buffered',
        example: 'round start',
        options: [
          {
            flags: '--wait',
            meaning: 'end with the verdict; the default while no service runs',
          },
        ],
        load: async () => (await import('../round.ts')).roundStart,
      },
    ],
  },
  {
    name: 'clusters',
    meaning: 'the clusters of the last round',
    commands: [
      {
        words: 'list',
        meaning: 'size, cohesion and age of each',
        example: 'clusters list',
        load: async () => (await clusters()).clustersList,
      },
      {
        words: 'show <id>',
        meaning: 'one cluster and its pictures',
        example: 'clusters show 7',
        load: async () => (await clusters()).clustersShow,
      },
      {
        words: 'name <id> <text>',
        meaning: 'name a cluster',
        example: 'clusters name 7 "red apples"',
        load: async () => (await clusters()).clustersName,
      },
    ],
  },
]
