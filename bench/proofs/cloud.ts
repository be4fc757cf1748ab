import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { settingVariable } from '../../lib/config/names.ts'
import { encodePng } from '../../lib/image/encode.ts'
import { glyphPicture, glyphSize } from '../../lib/service/demo-glyphs.ts'
import { type Hint, readHint } from '../../lib/stream/hint.ts'
import { topicNames } from '../../lib/stream/topics.ts'
import { bundleInto, callBundled, pictureRequest } from '../../test/functions/bundled.ts'
import { writeLoudBackbone } from '../../test/integration/loud-backbone.ts'
import { kafkaVersions, startBroker } from '../../test/kafka/broker.ts'
import { cdkCommand, copyCheckout, deployAll } from './cdk-command.ts'
import { listen, messages, messagesAtOnce, unmap } from './cloud-queues.ts'
import { type CloudTask, cloudTask } from './cloud-task.ts'
import { follow, kafkaEvent } from './cloud-topics.ts'
import { kinds, upload } from './cloud-uploads.ts'
import { deployedIn, type Environment } from './deployed.ts'
import { emulatedAccount } from './emulated-account.ts'
import { found } from './found.ts'
import type { Proof } from './proof.ts'

/**
 * The whole chain in an emulated account with a real Kafka: the CDK's command deploys; what is
 * uploaded reaches `ingest` through the queue, becomes records, a round, a version and its index;
 * `model-published` tells the bus, and `infer` and `serve` answer with the version.
 *
 * The functions run from their bundles, the roles from the image's entry point, each with the
 * variables that the deployment gave it; only the login of Kafka, the addresses and the folders
 * are this machine's.
 */
export const cloud: Proof = async () => {
  const work = mkdtempSync(join(tmpdir(), 'contrastream-cloud-'))
  copyCheckout(work)
  await writeLoudBackbone(join(work, 'backbone'))
  let holds = true
  const claim = (text: string, isTrue: boolean): void => {
    console.log(`${text}${isTrue ? '' : ': FALLS SHORT'}`) // as it comes: the whole takes minutes
    holds &&= isTrue
  }
  const account = await emulatedAccount()
  const broker = await startBroker(kafkaVersions.newest)
  const topics = follow([broker.address])
  const roles: CloudTask[] = []
  try {
    const settings = [
      ...[`model.backbone=${join(work, 'backbone')}`, 'model.recipe=head', 'image.channels=grey'],
      ...['learn.steps=30', `learn.k=${kinds}`, 'limits.decoders=1'],
    ]
    const context = { bootstrapServers: broker.address, settings: settings.join(',') }
    for (const words of [['bootstrap'], deployAll]) {
      const { code, text, seconds } = await cdkCommand(words, account, work, context)
      if (code !== 0) throw new Error(`cdk ${words[0]}: expected success, got ${text}`)
      claim(`cdk ${words[0]}: ${seconds} s`, true)
    }
    const deployed = await deployedIn(account)
    await unmap(account)
    const here = (environment: Environment, name: string): Environment => ({
      ...environment,
      ...account.environment,
      [settingVariable('kafka.auth.kind')]: 'none',
      [settingVariable('store.s3.endpoint')]: account.url,
      [settingVariable('store.s3.pathStyle')]: 'true',
      [settingVariable('data')]: join(work, name),
    })
    const start = (role: string, more: Environment = {}): CloudTask => {
      const environment = { ...here(deployed.task(role), role), ...more }
      const one = cloudTask(['run', '--role', role], environment)
      roles.push(one)
      return one
    }
    const ports = (port: number): Environment => ({
      [settingVariable('http.host')]: '127.0.0.1',
      [settingVariable('http.adminHost')]: '127.0.0.1',
      [settingVariable('http.port')]: '0',
      [settingVariable('http.adminPort')]: String(port),
    })
    // As when it is deployed: the learner makes the topics, the others come after it.
    const learn = start('learn', ports(0))
    await found('the topics', () => topics.begin().catch(() => undefined))
    start('embed', ports(0))
    const operator = here(deployed.task('operator'), 'operator')
    const made = await cloudTask(['token', 'create', '--scope', 'read'], operator).event('token')
    const serve = start('serve', ports(0))

    const queue = new URL(deployed.parameter('uploads-queue')).pathname
    const queueName = queue.slice(queue.lastIndexOf('/') + 1)
    const sent = await upload(account, deployed.parameter('uploads-bucket'), queueName)
    const events = await messages(account, `${account.url}${queue}`, sent)
    const ingest = join(work, 'ingest')
    await bundleInto(ingest, 'ingest')
    const batches = Array.from({ length: Math.ceil(events.length / messagesAtOnce) }, (_, i) => ({
      Records: events.slice(i * messagesAtOnce, (i + 1) * messagesAtOnce),
    }))
    const took = await callBundled(ingest, batches, here(deployed.function('ingest'), 'i'))
    const again = took.answers.flatMap(
      (answer) => (answer as { readonly batchItemFailures: readonly object[] }).batchItemFailures,
    )
    await found('a record of each', () =>
      topics.of(topicNames.unlabeled).length >= sent - 1 && topics.of(topicNames.dead).length >= 1
        ? true
        : undefined,
    )
    const records = topics.of(topicNames.unlabeled).length
    const aside = topics.of(topicNames.dead).length
    claim(
      `ingest: ${sent} uploads in ${batches.length} batches, ${records} records, ${aside} set aside, ${again.length} to come again`,
      records === sent - 1 && aside === 1 && again.length === 0,
    )

    const round = await learn.event('round')
    claim(
      `round: ${round['verdict']}, ${round['pictures']} pictures`,
      round['verdict'] === 'promote',
    )
    const hints = (): readonly Hint[] =>
      topics.of(topicNames.published).map(({ value }) => readHint(value))
    const moved = await found('stable at a version that was learned', () =>
      hints().findLast(
        ({ channel, version }) => channel === 'stable' && !version.startsWith('v1-'),
      ),
    )
    const { version, generation } = moved
    claim(`stable: ${version} with its index ${generation}`, generation !== undefined)

    const environment = deployed.function('model-published')
    const heard = await listen(account, environment['CONTRASTREAM_EVENT_BUS'] ?? '')
    const announce = join(work, 'announce')
    await bundleInto(announce, 'model-published')
    const event = kafkaEvent(topics.of(topicNames.published))
    await callBundled(announce, [event, event], here(environment, 'a'))
    const stableMoves = hints().filter(({ channel }) => channel === 'stable').length
    const told = await messages(account, heard, 2 * stableMoves)
    const details = told.map(({ body }) => JSON.parse(body).detail)
    const keys = new Set(details.map(({ idempotencyKey }) => idempotencyKey))
    claim(
      `events on the bus: ${told.length} of ${stableMoves} moves told twice, ${keys.size} keys`,
      details.some((detail) => detail.version === version) && keys.size === stableMoves,
    )

    const infer = join(work, 'infer')
    await bundleInto(infer, 'infer')
    const picture = await encodePng(glyphPicture(5, 3, 99_999), glyphSize, glyphSize)
    const requests = [
      pictureRequest('/v1/embed', picture),
      pictureRequest('/v1/search', picture, 5),
    ]
    const { answers } = await callBundled(infer, requests, here(deployed.function('infer'), 'f'))
    const bodies = answers.map((answer) => JSON.parse((answer as { readonly body: string }).body))
    claim(
      `infer: ${bodies.map(({ model }) => model).join(', ')}, ${bodies[1].neighbours?.length} neighbours`,
      bodies.every(({ model }) => model === version) && bodies[1].neighbours.length === 5,
    )
    const { data } = (await serve.event('listening')) as { readonly data?: string }
    const served = await found('serve to answer with it', async () => {
      const response = await fetch(`${data}/v1/search?k=5`, {
        method: 'POST',
        headers: { 'content-type': 'image/png', authorization: `Bearer ${made['token']}` },
        body: picture as Uint8Array<ArrayBuffer>,
      })
      const answer = (await response.json()) as (typeof bodies)[1]
      return answer.model === version ? answer : undefined
    })
    const ids = (answer: { neighbours: readonly { id: string }[] }) =>
      answer.neighbours.map(({ id }) => id).join()
    claim('serve: the same version, the same neighbours', ids(served) === ids(bodies[1]))
    const codes = await Promise.all(roles.splice(0).map((role) => role.stop()))
    claim(
      `roles stop on SIGTERM: exit codes ${codes.join(', ')}`,
      codes.every((code) => code === 0),
    )
    return { lines: [], holds }
  } finally {
    await Promise.all(roles.map((role) => role.stop()))
    await topics.close()
    await broker.dispose()
    await account.stop()
    rmSync(work, { recursive: true, force: true })
  }
}
