import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startCloud, type EmbeddedCloud } from '../../../src/testing/cloud/index.js'
import { describeWithDocuments } from '../../api-documents.js'
import { call, text, type Answer, type Json } from './calls.js'
import {
  readDocuments,
  readWaiters,
  type RawDocument,
  type RawOperation,
  type RawWaiter,
} from './stackit-documents.js'
import { bodyOf, fixed, logIn, prepare, prepared } from './stackit-preparation.js'

// Every row of the waiters table (stackit dossier 7.2) is walked by plain requests: to its success, to its failure, and nowhere.

let cloud: EmbeddedCloud
let token: string
beforeAll(async () => {
  cloud = await startCloud({ clouds: ['stackit'], clock: { manual: true } })
  token = await logIn(cloud.stackit)
})
afterAll(() => cloud.close())

const send = (method: string, url: string, json?: unknown): Promise<Answer> =>
  call(method, url, {
    headers: { authorization: `Bearer ${token}` },
    ...(json === undefined ? {} : { json }),
  })

/** Operations that begin what a waiter of another name waits for. */
const SUBMITS: Readonly<Record<string, string>> = {
  'alb CreateOrUpdateLoadbalancer': 'CreateLoadBalancer',
  'cdn CreateDistributionPool': 'CreateDistribution',
  'cdn UpdateDistribution': 'PatchDistribution',
  'cdn CreateCDNCustomDomain': 'PutCustomDomain',
  'cdn DeleteCDNCustomDomain': 'DeleteCustomDomain',
  'dremio CreateDremio': 'create-dremio-instance',
  'dremio UpdateDremio': 'update-dremio-instance',
  'dremio DeleteDremio': 'delete-dremio-instance',
  // There is no operation that changes a user.
  'dremio UpdateDremioUser': 'create-dremio-user',
  'edge CreateOrUpdateInstance': 'CreateInstance',
  'edge CreateOrUpdateInstanceByName': 'CreateInstance',
  'edge Kubeconfig': 'CreateInstance',
  'edge KubeconfigByInstanceName': 'CreateInstance',
  'edge Token': 'CreateInstance',
  'edge TokenByInstanceName': 'CreateInstance',
  'git CreateGitInstance': 'CreateInstance',
  'git DeleteGitInstance': 'DeleteInstance',
  'iaas UpdateNetwork': 'PartialUpdateNetwork',
  'iaas ProjectRequest': 'CreateNetwork',
  'iaas UploadImage': 'CreateImage',
  'intake CreateOrUpdateIntakeRunner': 'create-intake-runner',
  'intake CreateOrUpdateIntake': 'create-intake',
  'intake CreateOrUpdateIntakeUser': 'create-intake-user',
  'kms CreateOrUpdateKey': 'CreateKey',
  'kms EnableKeyVersion': 'EnableVersion',
  'kms DisableKeyVersion': 'DisableVersion',
  'model-serving CreateModelServing': 'CreateToken',
  'model-serving UpdateModelServing': 'PartialUpdateToken',
  'model-serving DeleteModelServing': 'DeleteToken',
  'service-enablement EnableService': 'EnableServiceRegional',
  'service-enablement DisableService': 'DisableServiceRegional',
  'ske CreateCluster': 'CreateOrUpdateCluster',
  'ske UpdateCluster': 'CreateOrUpdateCluster',
  'ske TriggerClusterHibernation': 'TriggerHibernate',
  'ske TriggerClusterMaintenance': 'TriggerMaintenance',
  'ske TriggerClusterReconciliation': 'TriggerReconcile',
  'ske TriggerClusterWakeup': 'TriggerWakeup',
  'ske RotateCredentials': 'StartCredentialsRotation',
  ...Object.fromEntries(
    ['Organization', 'Folder', 'Project'].flatMap((level) => [
      [
        `telemetry-link Create${level}TelemetryLink`,
        `create-or-update-${level.toLowerCase()}-telemetry-link`,
      ],
      [
        `telemetry-link Update${level}TelemetryLink`,
        `create-or-update-${level.toLowerCase()}-telemetry-link`,
      ],
    ]),
  ),
}
const plain = (name: string): string => name.replace(/[^A-Za-z\d]/g, '').toLowerCase()

/** A word of an answer. */
const word = (value: unknown): string =>
  typeof value === 'string' || typeof value === 'number' ? String(value) : ''

const at = (value: Json | undefined, path: string): Json | undefined =>
  path.split('.').reduce<Json | undefined>((found, name) => found?.[name], value)

type Verdict = 'done' | 'failed' | 'pending'

interface Polled {
  readonly url: string
  /** Key of what is waited for. */
  readonly key: string
}

/** One look, as the reference judges it. */
async function look(waiter: RawWaiter, polls: readonly Polled[]): Promise<Verdict> {
  const [first, second] = polls
  const answer = await send('GET', first!.url)
  if (answer.status === 502) return 'pending'
  const good = answer.status < 300
  const body = good ? answer.json() : undefined
  const state = waiter.stateField === null ? undefined : at(body, waiter.stateField)
  const states = (wanted: readonly string[]): boolean => wanted.includes(word(state))
  switch (waiter.kind) {
    case 'state': {
      if (waiter.name === 'RestoreInstance') {
        const jobs = [...body!['items']!].filter((job) => word(job['backupID']) === first!.key)
        const newest = jobs.sort((left, right) => word(right['date']).localeCompare(word(left['date'])))[0]
        const status = word(newest?.['status'])
        return waiter.success.includes(status)
          ? 'done'
          : waiter.failure.includes(status)
            ? 'failed'
            : 'pending'
      }
      if (!good) return 'failed'
      const found = waiter.stateField?.startsWith('(') === true ? word(body!['status']) : word(state)
      if (waiter.failure.includes(found)) return 'failed'
      if (!waiter.success.includes(found)) return 'pending'
      return second === undefined || (await send('GET', second.url)).status < 300 ? 'done' : 'pending'
    }
    case 'gone':
      if (!good) return waiter.goneStatuses.includes(answer.status) ? 'done' : 'failed'
      return states(waiter.failure) || waiter.failure.includes(word(body!['status'])) ? 'failed' : 'pending'
    case 'exists': {
      if (second !== undefined) {
        if (!good || !['active', 'reconciling'].includes(word(body!['status']))) return 'failed'
        const { status } = await send('GET', second.url)
        return status < 300 ? 'done' : status === 404 ? 'pending' : 'failed'
      }
      return good ? 'done' : answer.status === 404 ? 'pending' : 'failed'
    }
    case 'leaves': {
      const through = { Hibernation: 'STATE_HIBERNATING', Wakeup: 'STATE_WAKINGUP' }
      const passing =
        Object.entries(through).find(([end]) => waiter.name.endsWith(end))?.[1] ?? 'STATE_RECONCILING'
      return !good ? 'failed' : word(state) === passing ? 'pending' : 'done'
    }
    case 'firstSuccess':
      return good ? 'done' : 'failed'
    case 'listContains':
    case 'listLacks': {
      if (!good) return 'failed'
      const items = [...(body!['items'] ?? body!['data'] ?? [])]
      const isThere = items.some((item) => word(item['name'] ?? item['jobName']) === first!.key)
      return isThere === (waiter.kind === 'listContains') ? 'done' : 'pending'
    }
    case 'request': {
      if (!good || word(body!['requestId']) !== first!.key) return 'failed'
      const [action, status] = [word(body!['requestAction']), word(body!['status'])]
      if (status === 'FAILED') return 'failed'
      return [`CREATE CREATED`, 'UPDATE UPDATED', 'DELETE DELETED'].includes(`${action} ${status}`)
        ? 'done'
        : 'pending'
    }
    case 'viaIntermediate':
      return !good || states(waiter.failure) ? 'failed' : states(waiter.success) ? 'done' : 'pending'
    default:
      throw new Error(`There is no rule for ${waiter.kind}`)
  }
}

let runs = 0

/** States in which what is acted on has to be. */
const STATES: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  'iaas StartServer': { status: 'INACTIVE' },
  'iaas UnrescueServer': { status: 'RESCUE' },
  'kms EnableKeyVersion': { state: 'active' },
  'service-enablement DisableService': { state: 'ENABLED' },
  'ske CompleteCredentialsRotation': {
    status: { aggregated: 'STATE_HEALTHY', credentialsRotation: { phase: 'PREPARED' } },
  },
}

function submitOf(document: RawDocument, { service, name }: RawWaiter): RawOperation {
  const wanted = SUBMITS[`${service} ${name}`] ?? name
  const submit = document.operations.find(({ id }) => plain(id) === plain(wanted))
  if (submit === undefined) throw new Error(`Nothing begins ${name}`)
  return submit
}

/** Begins what the waiter waits for; says what to ask for it. */
async function begin(
  document: RawDocument,
  waiter: RawWaiter,
): Promise<{ readonly polls: readonly Polled[]; readonly path: string }> {
  const { stackit } = cloud
  const { service, name } = waiter
  const submit = submitOf(document, waiter)
  runs += 1
  const isOnce = !submit.path.endsWith('}')
  const url =
    service === 'resource-manager'
      ? await prepared(stackit, token, submit, document.operations)
      : prepare(stackit, submit, document.operations, `${name} ${String(runs)}`)
  const path = new URL(url).pathname.replace(`/${service}`, '')
  const isNew = /^(Create|Add)/.test(name) && submit.method === 'PUT'
  const target =
    isOnce && submit.method === 'POST' && !/^(create|restoreInstance)/i.test(submit.id)
      ? path.replace(/\/[^/]+$/, '')
      : path
  if (isNew) stackit.resources.remove(service, path)
  else if (service !== 'resource-manager' && (submit.method !== 'POST' || target !== path))
    stackit.resources.put(service, target, STATES[`${service} ${name}`] ?? {})
  if (name === 'ResizeServer') stackit.resources.put(service, target, { status: 'ACTIVE' })
  const before = new Set(
    submit.method === 'POST' ? stackit.resources.list(service, path).map((one) => one.path) : [],
  )
  const body = bodyOf(stackit, submit, `${name} ${String(runs)}`)
  const answer = await call(submit.method, url, {
    headers: {
      authorization: `Bearer ${token}`,
      ...(body === undefined ? {} : { 'content-type': body.type }),
    },
    ...(body === undefined ? {} : { body: body.text }),
  })
  expect(answer.status, answer.text).toBeLessThan(300)
  if (name === 'UploadImage') {
    const put = await call('PUT', text(answer.json()['uploadUrl']), { body: 'content' })
    expect(put.status).toBe(200)
  }
  const made = stackit.resources.list(service, path).find((one) => !before.has(one.path))
  const resource = made?.path ?? target
  const key = decodeURIComponent((made?.path ?? target).split('/').at(-1)!)
  const values: Record<string, string> = { ...fixed(stackit, service) }
  for (const [index, part] of submit.path.split('/').entries()) {
    const parameter = /^\{(\w+)\}$/.exec(part)?.[1]
    if (parameter !== undefined) values[parameter] = decodeURIComponent(path.split('/')[index]!)
  }
  if (name === 'ProjectRequest') {
    const id = String(answer.headers['x-request-id'])
    values['requestId'] = id
    return { path: resource, polls: [{ key: id, url: fill(waiter.poll[0]!.path, values, service) }] }
  }
  if (name === 'RestoreInstance') {
    const backup = word((JSON.parse(body!.text) as Readonly<Record<string, unknown>>)['backupId'])
    return { path: resource, polls: [{ key: backup, url: fill(waiter.poll[0]!.path, values, service) }] }
  }
  if (submit.id === 'CloneInstance')
    values['instanceId'] = text(answer.json()['instanceId'] ?? answer.json()['id'])
  if (made?.fields['displayName'] !== undefined && /ByName|ByInstanceName/.test(name))
    values['displayName'] = word(made.fields['displayName'])
  return {
    path: resource,
    polls: waiter.poll.map((poll) => ({ key, url: fill(poll.path, values, service, key) })),
  }
}

function fill(path: string, values: Readonly<Record<string, string>>, service: string, key = ''): string {
  const filled = path.replace(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(values[name] ?? key))
  return `${cloud.stackit.endpoint(service)}${filled}`
}

/** Longer than anything takes, shorter than any reference waits. */
const ENOUGH_MS = 45_000

/** Ready at once: only what the documents do not know keeps one waiting. */
const INSTANT = ['CreateAccessToken', 'UpdateAccessToken']

describeWithDocuments('every waiter', () => {
  const documents = readDocuments()
  const rows = documents.flatMap((document) => {
    return readWaiters()
      .filter(({ service, version }) => service === document.service && version === document.version)
      .filter(({ kind }) => kind !== 'networkAreaEmpty')
      .map((waiter) => [`${waiter.service} ${waiter.version} ${waiter.name}`, waiter, document] as const)
  })
  describe.each(rows)('%s', (_title, waiter, document) => {
    it('succeeds', async () => {
      const { polls } = await begin(document, waiter)
      const isInstant = waiter.kind === 'firstSuccess' || INSTANT.includes(waiter.name)
      expect(await look(waiter, polls)).toBe(isInstant ? 'done' : 'pending')
      cloud.clock.advance(ENOUGH_MS)
      expect(await look(waiter, polls)).toBe('done')
    })

    it('fails', async () => {
      const { stackit } = cloud
      stackit.failNext(
        waiter.service,
        submitOf(document, waiter).id,
        waiter.failure.length === 0 ? { status: 500 } : {},
      )
      const { polls, path } = await begin(document, waiter)
      cloud.clock.advance(ENOUGH_MS)
      expect(await look(waiter, polls)).toBe('failed')
      stackit.resources.remove(waiter.service, path)
    })

    it('can go on for ever', async () => {
      const { stackit, faults } = cloud
      const release = stackit.stall(waiter.service)
      const { polls, path } = await begin(document, waiter).catch((error: unknown) => {
        release()
        throw error
      })
      cloud.clock.advance(24 * 3_600_000)
      if (INSTANT.includes(waiter.name))
        stackit.resources.put(waiter.service, path, { status: 'provisioning' })
      if (waiter.kind === 'firstSuccess')
        faults.add({ method: 'GET', path: /\/bucket\//, fault: { kind: 'status', status: 502 } })
      const verdict = await look(waiter, polls)
      release()
      expect(verdict).toBe('pending')
      cloud.clock.advance(ENOUGH_MS)
      if (INSTANT.includes(waiter.name)) stackit.resources.put(waiter.service, path, { status: 'active' })
      expect(await look(waiter, polls)).toBe('done')
    })
  })

  it('knows all rows whose document is there', () => {
    const there = new Set(documents.map(({ service, version }) => `${service} ${version}`))
    const wanted = readWaiters().filter(({ service, version }) => there.has(`${service} ${version}`))
    expect(rows.length + 1).toBe(wanted.length)
    expect(wanted.length).toBe(227)
  })
})

describe('iaas v2 ReadyForNetworkAreaDeletion', () => {
  const look = async (area: string): Promise<Verdict> => {
    const { stackit } = cloud
    const projects = `${stackit.endpoint('iaas')}/v2/organizations/${stackit.organizationId}/network-areas/${area}/projects`
    const items = [...(await send('GET', projects)).json()['items']!].map(String)
    if (items.length === 0) return 'done'
    for (const id of items)
      if ((await send('GET', `${stackit.endpoint('resource-manager')}/v2/projects/${id}`)).status < 300)
        return 'failed'
    return 'pending'
  }
  const begin = async (): Promise<{ readonly area: string; readonly project: string }> => {
    const { stackit } = cloud
    const areas = `${stackit.endpoint('iaas')}/v2/organizations/${stackit.organizationId}/network-areas`
    const area = text((await send('POST', areas, { name: 'sample' })).json()['id'])
    const members = [{ subject: 'jane@example.org', role: 'owner' }]
    const labels = { networkArea: area }
    const sent = { name: 'sample', containerParentId: stackit.organizationId, members, labels }
    const made = await send('POST', `${stackit.endpoint('resource-manager')}/v2/projects`, sent)
    cloud.clock.advance(ENOUGH_MS)
    return {
      area,
      project: `${stackit.endpoint('resource-manager')}/v2/projects/${text(made.json()['projectId'])}`,
    }
  }

  it('fails while there is a project', async () => {
    expect(await look((await begin()).area)).toBe('failed')
  })

  it('succeeds, or goes on for ever', async () => {
    const { area, project } = await begin()
    await send('DELETE', project)
    cloud.clock.advance(10_000)
    expect((await send('GET', project)).status).toBe(403)
    expect(await look(area)).toBe('pending')
    const release = cloud.stackit.stall('iaas', 'ListNetworkAreaProjects')
    cloud.clock.advance(3_600_000)
    expect(await look(area)).toBe('pending')
    release()
    expect(await look(area)).toBe('done')
  })
})
