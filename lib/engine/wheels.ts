/** A wheel of the Python package index whose bytes are known. */
export interface Wheel {
  /** Name and version, as pip wants them. */
  readonly requirement: string
  readonly sha256: string
}

/** What the native engine is made of on one kind of machine. */
export interface EngineWheels {
  /** Holds libtensorflow and its headers. */
  readonly tensorflow: Wheel
  /** Libraries of NVIDIA that it loads; none without CUDA. */
  readonly nvidia: readonly Wheel[]
  /** Name of the machine in the index. */
  readonly machine: 'x86_64' | 'aarch64'
  /** What is fetched, in MB. */
  readonly megabytes: number
}

const wheel = (requirement: string, sha256: string): Wheel => ({ requirement, sha256 })

const cpuX64 = wheel(
  'tensorflow-cpu==2.21.0',
  '2b847d217b02ee7731ed91431daf3250daa0196c3c94614d23be27232e6e5b6c',
)
/** There is no `tensorflow-cpu` for this machine; its `tensorflow` is one. */
const cpuArm64 = wheel(
  'tensorflow==2.21.0',
  '4b24aca16d527a3cf1c37f720c04c484c3d20f4d0fdfa98632ac8b9f3be6eb5c',
)
const cudaX64 = wheel(
  'tensorflow==2.21.0',
  '9056fbc9ba04235810b71ae6cbd958a196e8804fb53bbcffbf3e23b56155f124',
)

/** What the `and-cuda` extra of that wheel asks for, without the compiler, which only XLA runs. */
const nvidia: readonly Wheel[] = [
  wheel(
    'nvidia-cublas-cu12==12.9.3.13',
    'd7d51055f161b317c7105ddaae90e71eda059026074ffef93cf7cde2886bfe72',
  ),
  wheel(
    'nvidia-cuda-cupti-cu12==12.8.90',
    'ea0cb07ebda26bb9b29ba82cda34849e73c166c18162d3913575b0c9db9a6182',
  ),
  wheel(
    'nvidia-cuda-nvrtc-cu12==12.9.86',
    '210cf05005a447e29214e9ce50851e83fc5f4358df8b453155d5e1918094dcb4',
  ),
  wheel(
    'nvidia-cuda-runtime-cu12==12.9.79',
    '25bba2dfb01d48a9b59ca474a1ac43c6ebf7011f1b0b8cc44f54eb6ac48a96c3',
  ),
  wheel(
    'nvidia-cudnn-cu12==9.28.0.42',
    '9ff58b7f36dacd0a93e89f8f2957b52466889217963701daa15e577317cfa375',
  ),
  wheel(
    'nvidia-cufft-cu12==11.4.1.4',
    'c67884f2a7d276b4b80eb56a79322a95df592ae5e765cf1243693365ccab4e28',
  ),
  wheel(
    'nvidia-curand-cu12==10.3.10.19',
    '49b274db4780d421bd2ccd362e1415c13887c53c214f0d4b761752b8f9f6aa1e',
  ),
  wheel(
    'nvidia-cusolver-cu12==11.7.5.82',
    '15da72d1340d29b5b3cf3fd100e3cd53421dde36002eda6ed93811af63c40d88',
  ),
  wheel(
    'nvidia-cusparse-cu12==12.5.10.65',
    '73060ce019ac064a057267c585bf1fd5a353734151f87472ff02b2c5c9984e78',
  ),
  wheel(
    'nvidia-nccl-cu12==2.32.3',
    'bb94b2348e4861d5e8aa00b36c3d12d9bdf9c6369b82cbb723de0b582280a21c',
  ),
  wheel(
    'nvidia-nvjitlink-cu12==12.9.86',
    'e3f1171dbdc83c5932a45f0f4c99180a70de9bd2718c1ab77d14104f6d7147f9',
  ),
]

/**
 * The wheels for a machine, in Node's words; `undefined` where TensorFlow has none.
 *
 * Any Python fetches them: we name the interpreter they were made for, and use its libraries only.
 */
export function engineWheels(
  platform: string,
  arch: string,
  cuda: boolean,
): EngineWheels | undefined {
  if (platform !== 'linux') return
  if (arch === 'arm64' && !cuda) {
    return { tensorflow: cpuArm64, nvidia: [], machine: 'aarch64', megabytes: 280 }
  }
  if (arch !== 'x64') return
  return cuda
    ? { tensorflow: cudaX64, nvidia, machine: 'x86_64', megabytes: 3_000 }
    : { tensorflow: cpuX64, nvidia: [], machine: 'x86_64', megabytes: 274 }
}

/** Arguments of `pip download` that fit those wheels, and no others. */
export function pipArguments(wheels: EngineWheels): string[] {
  const tags = ['manylinux_2_27', 'manylinux_2_17', 'manylinux2014']
  return [
    ...['download', '--no-deps', '--only-binary=:all:', '--require-hashes', '--quiet'],
    ...['--disable-pip-version-check', '--python-version', '3.11', '--implementation', 'cp'],
    ...tags.flatMap((tag) => ['--platform', `${tag}_${wheels.machine}`]),
  ]
}

/** The wheels as a requirements file, which has pip check each digest. */
export function requirements({ tensorflow, nvidia }: EngineWheels): string {
  const lines = [tensorflow, ...nvidia].map(
    ({ requirement, sha256 }) => `${requirement} --hash=sha256:${sha256}`,
  )
  return `${lines.join('\n')}\n`
}
