const door = '^lib/engine/(tf|select|native)\\.ts$'
const core = '^lib/(errors\\.ts|engine/|image/|loss/|cluster/|metric/|model/)'
const packages = (names) => `node_modules/(${names})/`

/** @type {import('dependency-cruiser').IConfiguration} */
module.exports = {
  forbidden: [
    { name: 'no-cycles', severity: 'error', from: {}, to: { circular: true } },
    { name: 'everything-resolves', severity: 'error', from: {}, to: { couldNotResolve: true } },
    {
      name: 'one-tensor-door',
      severity: 'error',
      from: { path: '^lib/', pathNot: door },
      to: { path: packages('@tensorflow|webgpu') },
    },
    {
      name: 'core-has-no-node-built-ins',
      severity: 'error',
      from: {
        path: core,
        pathNot:
          '^lib/(engine/(tf|select|native|native-(addon|build|folder|tools)|engine-cache)|model/(pretrained|artifact|torch-weights)|image/(decode|fingerprint|preprocess|pixel-cache))\\.ts$',
      },
      to: { dependencyTypes: ['core'] },
    },
    {
      name: 'core-has-no-packages',
      severity: 'error',
      from: { path: core, pathNot: door },
      to: {
        path: 'node_modules/',
        pathNot: packages(
          'pure-rand|sharp|file-type|ml-kmeans|ml-matrix|linear-sum-assignment|@types|@tensorflow|pickleparser',
        ),
      },
    },
    {
      name: 'core-sees-core-only',
      severity: 'error',
      from: { path: core },
      to: { path: '^lib/', pathNot: core },
    },
    {
      name: 'rules-see-ports',
      severity: 'error',
      from: { path: '^lib/(registry/|learn/|search/|stream/(types|envelope)|store/types)' },
      to: {
        path: '^lib/(stream/(sqlite|kafka|msk-login)|store/(sqlite|file|s3)|config/|service/|cli/|index)',
      },
    },
    {
      name: 'adapters-not-each-other',
      severity: 'error',
      from: { path: '^lib/(stream/(sqlite|kafka|msk-login)|store/(sqlite|file|s3))' },
      to: {
        path: '^lib/(?!errors\\.ts|stream/(types|envelope|hand-over-again|murmur2)|store/(types|document-json|blob-digest|blob-limits|limiter)|stream/sqlite|stream/kafka|stream/msk-login|store/sqlite|store/file|store/s3)',
      },
    },
    ...[
      ['sharp', '^lib/image/(decode|encode|thumbnail)\\.ts$'],
      ['file-type', '^lib/image/decode\\.ts$'],
      ['tinypool', '^lib/service/decoders\\.ts$'],
      ['fastify|@fastify', '^lib/service/http/'],
      ['pino', '^lib/service/logging\\.ts$'],
      ['prom-client', '^lib/service/metrics\\.ts$'],
      ['kafkajs', '^lib/stream/(kafka|msk-login)'],
      ['aws-msk-iam-sasl-signer-js', '^lib/stream/msk-login\\.ts$'],
      ['yaml', '^lib/config/'],
      ['commander', '^lib/cli/'],
      ['ml-kmeans', '^lib/cluster/'],
      ['linear-sum-assignment', '^lib/cluster/identity\\.ts$'],
      ['ml-matrix', '^lib/(metric|model)/'],
      ['pure-rand', '^lib/engine/random\\.ts$'],
      ['@aws-sdk/client-s3', '^lib/store/s3'],
      ['@aws-sdk/client-eventbridge', '^lib/cloud/event-bridge\\.ts$'],
    ].map(([name, home]) => ({
      name: `one-home-for-${name}`,
      severity: 'error',
      from: { path: '^lib/', pathNot: home },
      to: { path: packages(name) },
    })),
    {
      name: 'kafka-not-sqlite',
      severity: 'error',
      from: { path: '^lib/stream/kafka' },
      to: { path: '^lib/(stream|store)/sqlite' },
    },
    {
      name: 'edges-last',
      severity: 'error',
      from: { path: '^lib/(config|service)/' },
      to: { path: '^lib/cli/' },
    },
    {
      name: 'nothing-imports-index',
      severity: 'error',
      from: { path: '^lib/' },
      to: { path: '^lib/index\\.ts$' },
    },
    {
      // Of the edges they use what reads no data folder and starts no process.
      name: 'functions-stay-thin',
      severity: 'error',
      from: { path: '^functions/[^/]+\\.ts$' },
      to: {
        path: '^lib/(service|cli|learn)/',
        pathNot:
          '^lib/service/(accept-picture|disk-space|erasures|http/problem|image-limits|open-kafka|program-version|quarantine|requests|served-model|version-model)\\.ts$',
        reachable: true,
      },
    },
    {
      name: 'tensors-only-in-infer',
      severity: 'error',
      from: { path: '^functions/(ingest|model-published)\\.ts$' },
      to: { path: '^lib/engine/', reachable: true },
    },
    {
      name: 'product-is-an-island',
      severity: 'error',
      from: { path: '^lib/' },
      to: { path: '^(test|bench|cdk|functions)/' },
    },
    {
      name: 'cdk-is-an-island',
      severity: 'error',
      from: { path: '^cdk/' },
      to: { path: '^(lib/(?!config/names\\.ts|stream/topics\\.ts)|functions|test|bench)/?' },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'require', 'node', 'default', 'types'],
    },
  },
}
