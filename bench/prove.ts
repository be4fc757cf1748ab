/**
 * `npm run prove -- <name>`: measures one claim, prints its figure, and exits 1 when it falls short.
 */
import { availableParallelism, cpus } from 'node:os'
import { abuse } from './proofs/abuse.ts'
import { asleep } from './proofs/asleep.ts'
import { cloud } from './proofs/cloud.ts'
import { coldInfer } from './proofs/cold-infer.ts'
import { crash } from './proofs/crash.ts'
import { deploy } from './proofs/deploy.ts'
import { embedScale } from './proofs/embed-scale.ts'
import { everyWrite } from './proofs/every-write.ts'
import { faults } from './proofs/faults.ts'
import { fresh } from './proofs/fresh.ts'
import { gate } from './proofs/gate.ts'
import { hostile } from './proofs/hostile.ts'
import { ingest } from './proofs/ingest.ts'
import { kills } from './proofs/kills.ts'
import { memory } from './proofs/memory.ts'
import { outage } from './proofs/outage.ts'
import type { Proof } from './proofs/proof.ts'
import { refresh } from './proofs/refresh.ts'
import { rights } from './proofs/rights.ts'
import { roles } from './proofs/roles.ts'
import { rollback } from './proofs/rollback.ts'
import { rounds } from './proofs/rounds.ts'
import { sameModel } from './proofs/same-model.ts'
import { search } from './proofs/search.ts'
import { soak } from './proofs/soak.ts'
import { speed } from './proofs/speed.ts'
import { supervised } from './proofs/supervised.ts'
import { synth } from './proofs/synth.ts'
import { grocery, groceryHalf, groceryV2, omniglot } from './proofs/unseen-classes.ts'
import { variance } from './proofs/variance.ts'

const proofs: Readonly<Record<string, Proof>> = {
  omniglot,
  grocery,
  'grocery-0.5': groceryHalf,
  'grocery-v2': groceryV2,
  variance,
  supervised,
  gate,
  rounds,
  memory,
  speed,
  search,
  'same-model': sameModel,
  crash,
  refresh,
  rollback,
  fresh,
  abuse,
  hostile,
  roles,
  ingest,
  outage,
  'embed-scale': embedScale,
  soak,
  faults,
  'every-write': everyWrite,
  kills,
  synth,
  rights,
  asleep,
  deploy,
  cloud,
  'cold-infer': coldInfer,
}

const name = process.argv[2] ?? ''
const proof = proofs[name]
if (proof === undefined) {
  console.error(`prove: expected one of ${Object.keys(proofs).join(', ')}, got '${name}'`)
  process.exitCode = 2
} else {
  const model = cpus()[0]?.model ?? 'unknown processor'
  console.log(
    `proof ${name} · ${availableParallelism()} × ${model} · Node ${process.versions.node}`,
  )
  const began = performance.now()
  const { lines, holds } = await proof(process.argv.slice(3))
  for (const line of lines) console.log(line)
  const minutes = ((performance.now() - began) / 60_000).toFixed(1)
  console.log(`${holds ? 'holds' : 'FALLS SHORT'} · ${minutes} minutes`)
  process.exitCode = holds ? 0 : 1
}
