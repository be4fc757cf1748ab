import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { parse, parseAllDocuments } from 'yaml'
import { z } from 'zod'
import { findFaults } from '../../lib/config/findings.ts'
import { checkConfig } from '../../lib/config/load.ts'
import { roleNames } from '../../lib/service/role.ts'

const read = (path: string): string =>
  readFileSync(fileURLToPath(new URL(`../../${path}`, import.meta.url)), 'utf8')

/** The settings of a file; unknown keys, values out of range and what does not fit are errors. */
function settings(text: string) {
  const config = checkConfig(parse(text))
  expect(findFaults(config)).toEqual([])
  return config
}

/** Roles that command lines start, each with the file that it reads. */
const roleOf = (args: readonly string[]): string | undefined => args[args.indexOf('--role') + 1]
/** A name with a version: no `latest`, and never none. */
const pinned = /^[\w.\-/]+:(?!latest$)[\w.-]+$/

describe('compose.yaml', () => {
  const service = z.object({
    image: z.string().regex(pinned),
    command: z.union([z.string(), z.array(z.string())]).optional(),
    ports: z.array(z.string().startsWith('127.0.0.1:')).default([]),
    volumes: z.array(z.string()).default([]),
    configs: z.array(z.object({ source: z.string(), target: z.string() })).default([]),
    depends_on: z.record(z.string(), z.object({ condition: z.string() })).default({}),
  })
  const file = z
    .object({
      services: z.record(z.string(), service),
      volumes: z.record(z.string(), z.object({})),
      configs: z.record(z.string(), z.object({ content: z.string() })),
    })
    .parse(parse(read('compose.yaml'), { merge: true }))
  const services = Object.entries(file.services)

  it('starts each role once, from settings that hold', () => {
    const roles = services.flatMap(([, { command }]) => {
      const words = typeof command === 'string' ? command.split(' ') : []
      return words[0] === 'run' ? [roleOf(words)] : []
    })
    expect(roles.sort()).toEqual([...roleNames].sort())
    const { kafka, store } = settings(file.configs['contrastream']?.content ?? '')
    expect(kafka.brokers.map((broker) => broker.split(':')[0])).toEqual(['kafka'])
    expect(file.services).toHaveProperty(new URL(store.s3.endpoint).hostname)
  })

  it('names nothing that it does not define', () => {
    for (const [, { volumes, configs, depends_on }] of services) {
      for (const name of Object.keys(depends_on)) expect(file.services).toHaveProperty(name)
      for (const { source } of configs) expect(file.configs).toHaveProperty(source)
      for (const volume of volumes) expect(file.volumes).toHaveProperty(volume.split(':')[0] ?? '')
    }
  })
})

describe('deploy/kubernetes', () => {
  const folder = 'deploy/kubernetes/base'
  const probe = z.object({
    httpGet: z.object({ path: z.string().startsWith('/health/'), port: z.literal('admin') }),
  })
  const container = z.object({
    image: z.string(),
    args: z.array(z.string()),
    ports: z.array(z.object({ name: z.string(), containerPort: z.number() })).default([]),
    startupProbe: probe.optional(),
    livenessProbe: probe.optional(),
    readinessProbe: probe.optional(),
    resources: z.object({ requests: z.object({}), limits: z.object({}) }),
    securityContext: z.object({
      allowPrivilegeEscalation: z.literal(false),
      readOnlyRootFilesystem: z.literal(true),
      capabilities: z.object({ drop: z.tuple([z.literal('ALL')]) }),
    }),
    volumeMounts: z.array(z.object({ name: z.string(), mountPath: z.string() })),
  })
  const pod = z.object({
    metadata: z.object({ labels: z.record(z.string(), z.string()) }),
    spec: z.object({
      serviceAccountName: z.string(),
      automountServiceAccountToken: z.literal(false),
      terminationGracePeriodSeconds: z.number(),
      securityContext: z.object({ runAsNonRoot: z.literal(true) }),
      containers: z.tuple([container]),
      volumes: z.array(z.object({ name: z.string() })),
    }),
  })
  const kustomization = z.object({ resources: z.array(z.string()) })
  const { resources } = kustomization.parse(parse(read(`${folder}/kustomization.yaml`)))
  const object = z.looseObject({ kind: z.string(), metadata: z.object({ name: z.string() }) })
  const objects = resources
    .flatMap((path) => parseAllDocuments(read(`${folder}/${path}`)))
    .map((one) => object.parse(one.toJS()))
  const ofKind = <T extends z.ZodType>(kind: string, type: T): z.infer<T>[] =>
    objects.filter((one) => one.kind === kind).map((one) => type.parse(one))
  const deployment = z.object({
    metadata: z.object({ name: z.string() }),
    spec: z.object({
      replicas: z.number(),
      selector: z.object({ matchLabels: z.record(z.string(), z.string()) }),
      template: pod,
    }),
  })
  const deployments = ofKind('Deployment', deployment)
  const job = z.object({
    spec: z.object({ jobTemplate: z.object({ spec: z.object({ template: pod }) }) }),
  })
  const jobs = ofKind('CronJob', job)
  const pods = [
    ...deployments.map(({ spec }) => spec.template),
    ...jobs.map(({ spec }) => spec.jobTemplate.spec.template),
  ]
  const config = settings(read(`${folder}/contrastream.yaml`))

  it('runs the roles and the collection, each where its probes look', () => {
    const replicas = deployments.map(({ metadata, spec }) => [metadata.name, spec.replicas])
    expect(Object.fromEntries(replicas)).toEqual({ serve: 2, embed: 2, learn: 2 })
    for (const { metadata, spec } of deployments) {
      const [one] = spec.template.spec.containers
      expect(roleOf(one.args)).toBe(metadata.name)
      expect([one.startupProbe, one.livenessProbe, one.readinessProbe]).not.toContain(undefined)
      expect(one.ports).toContainEqual({ name: 'admin', containerPort: config.http.adminPort })
    }
    expect(jobs.map(({ spec }) => spec.jobTemplate.spec.template.spec.containers[0].args)).toEqual([
      expect.arrayContaining(['models', 'gc']),
    ])
  })

  it('gives every process more time to end than it takes, and a file and folders to work with', () => {
    for (const { spec } of pods) {
      expect(1_000 * spec.terminationGracePeriodSeconds).toBeGreaterThan(config.run.deadline)
      const [{ args, volumeMounts }] = spec.containers
      const path = args[args.indexOf('--config') + 1] ?? ''
      expect(volumeMounts.map(({ mountPath }) => `${mountPath}/contrastream.yaml`)).toContain(path)
      const names = volumeMounts.map(({ name }) => name).sort()
      expect(names).toEqual(spec.volumes.map(({ name }) => name).sort())
    }
  })

  it('selects pods that there are', () => {
    const selector = z.object({ matchLabels: z.record(z.string(), z.string()).default({}) })
    const selectors = [
      ...deployments.map(({ spec }) => spec.selector.matchLabels),
      ...ofKind('PodDisruptionBudget', z.object({ spec: z.object({ selector }) })).map(
        ({ spec }) => spec.selector.matchLabels,
      ),
      ...ofKind('NetworkPolicy', z.object({ spec: z.object({ podSelector: selector }) })).map(
        ({ spec }) => spec.podSelector.matchLabels,
      ),
      ...ofKind(
        'Service',
        z.object({ spec: z.object({ selector: z.record(z.string(), z.string()) }) }),
      ).map(({ spec }) => spec.selector),
    ]
    expect(selectors.length).toBeGreaterThan(deployments.length)
    for (const wanted of selectors) {
      const labels = pods.map(({ metadata }) => metadata.labels)
      expect(labels).toContainEqual(expect.objectContaining(wanted))
    }
    const accounts = ofKind('ServiceAccount', object).map(({ metadata }) => metadata.name)
    for (const { spec } of pods) expect(accounts).toContain(spec.serviceAccountName)
  })

  it('changes by the overlay for GPUs what the base has', () => {
    const patch = z.looseObject({ kind: z.string(), metadata: z.object({ name: z.string() }) })
    const { kind, metadata } = patch.parse(parse(read('deploy/kubernetes/gpu/learn.yaml')))
    expect(objects).toContainEqual(
      expect.objectContaining({ kind, metadata: expect.objectContaining({ name: metadata.name }) }),
    )
  })
})
