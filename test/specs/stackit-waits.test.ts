import { EMPTY, filter, firstValueFrom, lastValueFrom, tap, toArray, type Observable } from 'rxjs'
import { describe, expect, it } from 'vitest'
import type { WaiterRow } from '../../src/clients/stackit/service-definition.js'
import type { ServiceWaiters } from '../../src/clients/stackit/waiters.js'
import { OperationFailedError, PollTimeoutError, ServerError } from '../../src/errors.js'
import type { OperationEvent } from '../../src/streams/events.js'
import type { WatchOptions } from '../../src/streams/operation.js'
import { describeWithDocuments } from '../api-documents.js'
import { bodyOf, prepare, prepared } from '../testing/cloud/stackit-preparation.js'
import type { Arguments } from './arguments.js'
import { object, type SpecDocument } from './open-api.js'
import { argumentsOf, failed, rawOperation, standard, useEmbeddedStackit } from './stackit-embedded.js'
import { definitions, methodNameOf, type Method } from './stackit-services.js'
import { valuesOf } from './values.js'

// Every waiter of every service in its usual version, through the client, on the embedded cloud: it succeeds, it fails, it
// takes too long. (Their intervals and pauses are proven in virtual time.)

const site = useEmbeddedStackit()

type Event = OperationEvent<unknown, unknown>
type Events = Observable<Event>

/** Operations that begin what a waiter waits for, where its table has none, or a better one than the first. */
const begins: Readonly<Record<string, string>> = {
  // The others are over at once.
  'iaas projectRequest': 'rebootServer',
  'dremio updateDremioUser': 'createDremioUser',
  'edge kubeconfig': 'createInstance',
  'edge kubeconfigByInstanceName': 'createInstance',
  'edge token': 'createInstance',
  'edge tokenByInstanceName': 'createInstance',
  'intake createOrUpdateIntakeRunner': 'createIntakeRunner',
  'intake createOrUpdateIntake': 'createIntake',
  'intake createOrUpdateIntakeUser': 'createIntakeUser',
  'ske updateCluster': 'createOrUpdateCluster',
  'ske createOrUpdateCluster': 'createOrUpdateCluster',
  'ske rotateCredentials': 'startCredentialsRotation',
  'telemetry-link updateOrganizationTelemetryLink': 'createOrUpdateOrganizationTelemetryLink',
  'telemetry-link updateFolderTelemetryLink': 'createOrUpdateFolderTelemetryLink',
  'telemetry-link updateProjectTelemetryLink': 'createOrUpdateProjectTelemetryLink',
}

/** States in which what is acted on has to be. */
const states: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  'iaas startServer': { status: 'INACTIVE' },
  'iaas unrescueServer': { status: 'RESCUE' },
  'iaas resizeServer': { status: 'ACTIVE' },
  'service-enablement disableService': { state: 'ENABLED' },
  'ske completeCredentialsRotation': {
    status: { aggregated: 'STATE_HEALTHY', credentialsRotation: { phase: 'PREPARED' } },
  },
}

interface Wait {
  readonly document: SpecDocument
  readonly name: string
  readonly row: WaiterRow
  /** `dns createZone` */
  readonly title: string
}

const waits = standard.flatMap(([key, document]) =>
  Object.entries(definitions[key]?.waiters ?? {}).map(([name, row]): Wait => {
    return { document, name, row, title: `${document.service} ${name}` }
  }),
)

const beginOf = (title: string, { submits = {} }: WaiterRow): string =>
  begins[title] ?? Object.keys(submits)[0] ?? failed(`beginning of ${title}`)

let runs = 0

/** The operation that begins it, and its arguments; what it needs is put there. */
async function beginning({ document, name, row, title }: Wait): Promise<{
  readonly begin: string
  readonly args: Arguments
  /** Where it is, unless it is yet to be made. */
  readonly path: string
}> {
  const { cloud, token } = site
  const { stackit } = cloud
  const begin = beginOf(title, row)
  const operation = document.operations.find((one) => methodNameOf(document, one) === begin) ?? failed(begin)
  const { raw, all } = rawOperation(document, operation)
  const { service } = document
  runs += 1
  const run = `${name} ${String(runs)}`
  const isHierarchy = service === 'resource-manager'
  const url = new URL(
    isHierarchy ? await prepared(stackit, token, raw, all) : prepare(stackit, raw, all, run),
  )
  const path = url.pathname.replace(`/${service}`, '')
  const isAction =
    raw.method === 'POST' && !/^(create|restoreInstance)/i.test(raw.id) && !raw.path.endsWith('}')
  const target = isAction ? path.replace(/\/[^/]+$/, '') : path
  if (raw.method === 'PUT' && /^(create(?!OrUpdate)|add)/.test(name)) stackit.resources.remove(service, path)
  else if (!isHierarchy && (isAction || raw.method !== 'POST')) {
    stackit.resources.put(service, target, states[title] ?? {})
  }
  const made = bodyOf(stackit, raw, run)
  const body = made === undefined ? {} : { body: JSON.parse(made.text) as unknown }
  return { begin, path: target, args: { ...argumentsOf(operation, url, valuesOf(document)), ...body } }
}

/** What happens between the request that begins it and the first look. */
type Between = (target: { readonly path: string }) => void

async function waitFor(
  wait: Wait,
  options: WatchOptions,
  between: Between = () => undefined,
): Promise<Events> {
  const { document, name, row } = wait
  const { begin, args, path } = await beginning(wait)
  const key = `${document.service}/${document.version}`
  const { run, watch } = site.client[key] as ServiceWaiters
  const begun = run[begin]?.(args, options) ?? failed(begin)
  const events = begun.pipe(
    tap(({ kind }) => {
      if (kind === 'submitted') between({ path })
    }),
  )
  if (row.submits?.[begin] !== undefined) return events
  const submitted = await firstValueFrom(events.pipe(filter((event) => event.kind === 'submitted')))
  const known = { ...object(args['body']), ...submitted.ref.args }
  const poll = definitions[key]?.operations[row.poll]?.path ?? ''
  const names = [...poll.matchAll(/\{([^}]+)\}/g)].map(([, one = '']) => one)
  const target = Object.fromEntries(names.map((one) => [one, known[one]]))
  return watch[name]?.(target, options) ?? failed(name)
}

/** Longer than anything takes. */
const ENOUGH_MS = 60_000

/** The cloud's time goes on after each look. */
async function eventsOf(wait: Wait, between?: Between): Promise<readonly Event[]> {
  const { client, cloud } = site
  const events = await waitFor(wait, { interval: 1, initialDelay: 0, timeout: 10_000 }, between)
  const looks = client.traffic
    .pipe(filter((event) => event.kind === 'response' && event.operation.endsWith(`.${wait.row.poll}`)))
    .subscribe(() => {
      cloud.clock.advance(ENOUGH_MS)
    })
  try {
    return await lastValueFrom(events.pipe(toArray()))
  } finally {
    looks.unsubscribe()
  }
}

/** Ready when they are first looked at: time goes on before. */
const ready = [
  'object-storage createBucket',
  'telemetry-router createAccessToken',
  'telemetry-router updateAccessToken',
]

/** What fails while the operation that begins it does not. */
const spoilt: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  'ske rotateCredentials': { status: { aggregated: 'STATE_UNHEALTHY' } },
}

const rows = waits
  .filter(({ row }) => row.kind !== 'networkAreaEmpty')
  .map((wait) => [wait.title, wait] as const)

describeWithDocuments('waits', () => {
  describe.each(rows)('%s', (title, wait) => {
    const { row, document } = wait
    const { service } = document

    it('succeed', async () => {
      const events = await eventsOf(wait)
      expect(events.at(-1)?.kind).toBe('done')
    })

    it('fail', async () => {
      const { clock, stackit } = site.cloud
      const [state] = row.failure ?? []
      const id = document.operations.find((one) => methodNameOf(document, one) === beginOf(title, row))?.id
      stackit.failNext(service, id, state === undefined ? { status: 500 } : { state })
      let failing = ''
      const error: unknown = await eventsOf(wait, ({ path }) => {
        failing = path
        if (spoilt[title] !== undefined) stackit.resources.put(service, path, spoilt[title])
        if (ready.includes(title)) clock.advance(ENOUGH_MS)
      }).catch((thrown: unknown) => thrown)
      expect(error).toBeInstanceOf(state === undefined ? ServerError : OperationFailedError)
      stackit.resources.remove(service, failing)
    })

    it('take too long', async () => {
      const { stackit, faults } = site.cloud
      const release = stackit.stall(service)
      const options = { interval: 3, initialDelay: 0, timeout: 12, maxConsecutiveErrors: Infinity }
      try {
        const events = await waitFor(wait, options, () => {
          if (!ready.includes(title)) return
          faults.add({ method: 'GET', times: Infinity, fault: { kind: 'status', status: 502 } })
        })
        await expect(lastValueFrom(events)).rejects.toBeInstanceOf(PollTimeoutError)
      } finally {
        faults.clear()
        release()
      }
    })
  })

  describe('iaas readyForNetworkAreaDeletion', () => {
    const methodsOf = (key: string): ServiceWaiters & Readonly<Record<string, Method>> =>
      site.client[key] as ServiceWaiters & Readonly<Record<string, Method>>
    const ready = (areaId: unknown, timeout: number): Events => {
      const { organizationId } = site.cloud.stackit
      const options = { interval: 1, timeout }
      return (
        methodsOf('iaas/v2').watch['readyForNetworkAreaDeletion']?.({ organizationId, areaId }, options) ??
        EMPTY
      )
    }

    /** An area with a project in it. */
    async function occupied(): Promise<{ readonly areaId: unknown; readonly leave: () => Promise<unknown> }> {
      const { clock, stackit } = site.cloud
      const { organizationId } = stackit
      const { createNetworkArea } = methodsOf('iaas/v2')
      const { createProject, deleteProject } = methodsOf('resource-manager/v0')
      if (createNetworkArea === undefined || createProject === undefined || deleteProject === undefined)
        failed('method')
      const area = await lastValueFrom(createNetworkArea({ organizationId, body: { name: 'sample' } }))
      const areaId = object(area)['id']
      const members = [{ subject: 'jane@example.org', role: 'owner' }]
      const body = {
        name: 'sample',
        containerParentId: organizationId,
        members,
        labels: { networkArea: areaId },
      }
      const { containerId: id } = object(await lastValueFrom(createProject({ body })))
      clock.advance(ENOUGH_MS)
      return { areaId, leave: () => lastValueFrom(deleteProject({ id })) }
    }

    it('succeed', async () => {
      const { areaId, leave } = await occupied()
      await leave()
      // The project is gone by then, and the area does not know it yet.
      site.cloud.clock.advance(10_000)
      const events = ready(areaId, 10_000).pipe(
        tap(() => {
          site.cloud.clock.advance(ENOUGH_MS)
        }),
        toArray(),
      )
      const states = (await lastValueFrom(events)).map((event) =>
        event.kind === 'progress' ? event.state : event.kind,
      )
      expect(states).toEqual(['occupied', 'empty', 'done'])
    })

    it('fail', async () => {
      const { areaId } = await occupied()
      await expect(lastValueFrom(ready(areaId, 10_000))).rejects.toBeInstanceOf(OperationFailedError)
    })

    it('take too long', async () => {
      const { areaId, leave } = await occupied()
      const release = site.cloud.stackit.stall('iaas')
      await leave()
      site.cloud.clock.advance(ENOUGH_MS)
      await expect(lastValueFrom(ready(areaId, 12))).rejects.toBeInstanceOf(PollTimeoutError)
      release()
    })
  })

  it('are all there', () => {
    expect(waits).toHaveLength(184)
    expect(rows).toHaveLength(183)
  })
})
