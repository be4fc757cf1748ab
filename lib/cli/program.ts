import { Command } from 'commander'
import type { GlobalOptions } from './context.ts'

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

/** What a command does with its arguments and the options that its declaration names. */
type Action = (args: readonly (string | readonly string[])[], options: never) => Promise<void>

/** Declares one command: its words, its own options, its example, and the file that does it. */
function declare(
  parent: Command,
  words: string,
  description: string,
  example: string,
  load: () => Promise<Action>,
  options: (command: Command) => Command = (command) => command,
): void {
  const command = withGlobals(options(parent.command(words).description(description)))
  command.addHelpText('after', `\nExample:\n  contrastream ${example}`)
  command.action(async (...given: unknown[]) => {
    const action = await load()
    const args = given.slice(0, -2) as (string | readonly string[])[]
    await action(args, command.opts<GlobalOptions>() as never)
  })
}

const newcomer = `Three commands to begin with:
  contrastream demo                     generated pictures, one gated model, two minutes
  contrastream run ./photos             your own folder, embedded, clustered and learnt from
  contrastream doctor                   what works on this machine, and what does not

\`contrastream --help\` lists the others.`

function group(program: Command, name: string, description: string): Command {
  return program.command(name).description(description)
}

/** The command line; each command is loaded when it is called. */
export function program(): Command {
  const program = new Command('contrastream')
    .description('Unlabeled pictures in, gated and versioned embedding models out.')
    .showHelpAfterError('(`--help` shows what there is)')
    .action(() => {
      process.stdout.write(`${newcomer}\n`)
    })

  declare(
    program,
    'run [folder...]',
    'take pictures in, learn from them, publish models; resumes by default',
    'run ./photos --until idle',
    async () => (await import('./run.ts')).runCommand,
    (c) =>
      c
        .option('--role <name>', 'one role alone: ingest, embed, learn or serve; not on sqlite')
        .option('--until <idle>', 'end when all is taken in and nothing is left to learn')
        .option('--rounds <n>', 'end after n rounds')
        .option('--lineage <name>', 'a history of its own')
        .option('--warm-start <model>', 'new lineage: weights of a version or a folder of `train`')
        .option('--from <when>', 'new lineage: earliest (the default), latest or a time'),
  )
  declare(
    program,
    'demo',
    'generated pictures, clusters and one gated model, with MAP@R before and after',
    'demo --keep',
    async () => (await import('./demo.ts')).demoCommand,
    (c) => c.option('--keep', 'keep the data folder').option('--until <idle>', 'the default'),
  )
  declare(
    program,
    'doctor',
    'what works on this machine, what does not, and the remedy beside it',
    'doctor',
    async () => (await import('./doctor.ts')).doctorCommand,
  )

  const engine = group(program, 'engine', 'the tensor engine')
  declare(
    engine,
    'install',
    'fetch libtensorflow and build the native engine',
    'engine install',
    async () => (await import('./engine.ts')).engineInstall,
    (c) =>
      c
        .option('--cuda', 'with CUDA')
        .option('--if-missing', 'do nothing when it is there, and succeed when it cannot be'),
  )
  const backbone = group(program, 'backbone', 'pretrained networks')
  declare(
    backbone,
    'install <name>',
    'fetch mobilenet-v2 or efficientnet-lite0, check and convert it',
    'backbone install mobilenet-v2',
    async () => (await import('./backbone.ts')).backboneInstall,
  )

  const modelOption = (c: Command) =>
    c.option('--model <version>', 'stable, baseline or a version such as v3', 'stable')
  declare(
    program,
    'embed <image...>',
    'vectors of pictures, by the stable model',
    'embed ./photos/apple.jpg --json',
    async () => (await import('./embed.ts')).embedCommand,
    modelOption,
  )
  declare(
    program,
    'search <image>',
    'the most similar pictures that are kept',
    'search ./photos/apple.jpg -k 5',
    async () => (await import('./search.ts')).searchCommand,
    (c) =>
      modelOption(c)
        .option('--release <name>', 'stable or previous, in place of --model')
        .option('-k <n>', 'how many', '10'),
  )
  declare(
    program,
    'eval <folder>',
    'Recall@K, MAP@R, R-precision and NMI on labelled pictures, beside the baseline',
    'eval ./labelled --labels folders',
    async () => (await import('./eval.ts')).evalCommand,
    (c) =>
      modelOption(c).requiredOption(
        '--labels <folders|csv>',
        'parent folder, or picture,class CSV',
      ),
  )
  declare(
    program,
    'train <folder>',
    'supervised: the same loss and recipes on true labels',
    'train ./labelled --labels folders --out ./model',
    async () => (await import('./train.ts')).trainCommand,
    (c) =>
      c
        .requiredOption('--labels <folders|csv>', 'parent folder, or picture,class CSV')
        .requiredOption('--out <folder>', 'where the model goes; absent or empty'),
  )
  declare(
    program,
    'gate <version>',
    'judge a version again, against stable on the frozen probes',
    'gate v3',
    async () => (await import('./gate.ts')).gateCommand,
  )

  const round = group(program, 'round', 'rounds of learning')
  declare(
    round,
    'start',
    'run a round now, if enough is buffered',
    'round start',
    async () => (await import('./round.ts')).roundStart,
    (c) => c.option('--wait', 'end with the verdict; the default while no service runs'),
  )

  const models = group(program, 'models', 'published versions')
  const modelsFile = () => import('./models.ts')
  declare(
    models,
    'list',
    'all versions with their verdicts',
    'models list',
    async () => (await modelsFile()).modelsList,
  )
  declare(
    models,
    'show <version>',
    'one version',
    'models show v3',
    async () => (await modelsFile()).modelsShow,
  )
  declare(
    models,
    'diff <a> <b>',
    'gate figures side by side',
    'models diff v2 v3',
    async () => (await modelsFile()).modelsDiff,
  )
  declare(
    models,
    'promote <version>',
    'make a version stable, and lift a pin',
    'models promote v3',
    async () => (await modelsFile()).modelsPromote,
    (c) => c.option('--reason <text>', 'for the audit'),
  )
  declare(
    models,
    'rollback',
    'make the previous version stable again, and pin it',
    'models rollback --reason "worse on new shelves"',
    async () => (await modelsFile()).modelsRollback,
    (c) =>
      c.option('--to <version>', 'another than the previous').option('--reason <text>', 'audit'),
  )
  declare(
    models,
    'gc',
    'remove what is past its time and nothing needs',
    'models gc --plan',
    async () => (await import('./models-gc.ts')).modelsGc,
    (c) => c.option('--plan', 'only say what would go'),
  )
  declare(
    models,
    'export [version]',
    'a model as plain TensorFlow.js',
    'models export --as tfjs --out ./model',
    async () => (await modelsFile()).modelsExport,
    (c) =>
      c.option('--as <form>', 'tfjs', 'tfjs').requiredOption('--out <folder>', 'absent or empty'),
  )

  const clusters = group(program, 'clusters', 'the clusters of the last round')
  const clustersFile = () => import('./clusters.ts')
  declare(
    clusters,
    'list',
    'size, cohesion and age of each',
    'clusters list',
    async () => (await clustersFile()).clustersList,
  )
  declare(
    clusters,
    'show <id>',
    'one cluster and its pictures',
    'clusters show 7',
    async () => (await clustersFile()).clustersShow,
  )
  declare(
    clusters,
    'name <id> <text>',
    'name a cluster',
    'clusters name 7 "red apples"',
    async () => (await clustersFile()).clustersName,
  )

  const image = group(program, 'image', 'single pictures')
  declare(
    image,
    'show <id>',
    'what is known of a picture',
    'image show 3f2a',
    async () => (await import('./image.ts')).imageShow,
  )

  const quarantine = group(program, 'quarantine', 'records set aside')
  const quarantineFile = () => import('./quarantine.ts')
  declare(
    quarantine,
    'list',
    'all of them, with reasons',
    'quarantine list',
    async () => (await quarantineFile()).quarantineList,
  )
  declare(
    quarantine,
    'show <id>',
    'one record',
    'quarantine show 0',
    async () => (await quarantineFile()).quarantineShow,
  )
  declare(
    quarantine,
    'replay [id...]',
    'send records again',
    'quarantine replay --reason IMAGE_DECODE',
    async () => (await quarantineFile()).quarantineReplay,
    (c) => c.option('--reason <code>', 'all records with this code'),
  )

  const token = group(program, 'token', 'who may use the service over the network')
  const tokenFile = () => import('./token.ts')
  declare(
    token,
    'create',
    'make a token; it is shown once',
    'token create --scope read --days 90',
    async () => (await tokenFile()).tokenCreate,
    (c) =>
      c
        .requiredOption('--scope <scope>', 'read, ingest or admin')
        .option('--days <n>', 'after which it ends; default never'),
  )
  declare(
    token,
    'list',
    'all tokens, never their secrets',
    'token list',
    async () => (await tokenFile()).tokenList,
  )
  declare(
    token,
    'revoke <id>',
    'end a token, within 30 seconds',
    'token revoke 3f2a9c1e07b4',
    async () => (await tokenFile()).tokenRevoke,
  )

  const config = group(program, 'config', 'settings')
  const configFile = () => import('./config.ts')
  declare(
    config,
    'print',
    'the settings in force',
    'config print',
    async () => (await configFile()).configPrint,
  )
  declare(
    config,
    'check',
    'find faults in the settings',
    'config check',
    async () => (await configFile()).configCheck,
  )
  declare(
    config,
    'schema',
    'JSON Schema of the settings file',
    'config schema',
    async () => (await configFile()).configSchemaCommand,
  )
  return program
}
