// npx tsx examples/stackit-server.ts - a network, a volume, a server and its public IP, waited for as one stream; then all of it
// is removed again, also after Ctrl-C. In the project STACKIT_PROJECT_ID, with the credentials that are found as usual, or else
// on the embedded cloud.
import {
  BehaviorSubject,
  catchError,
  concat,
  concatMap,
  defer,
  EMPTY,
  forkJoin,
  ignoreElements,
  lastValueFrom,
  map,
  of,
  scan,
  takeWhile,
  tap,
  withLatestFrom,
  type Observable,
} from 'rxjs'
import type { OperationEvent } from 'skystream'
import { createStackit, type RunOptions, type StackitClient } from 'skystream/stackit'
import { iaas, type IaasClient, type Image } from 'skystream/stackit/iaas'
import { startCloud } from 'skystream/testing/cloud'
import { bar, heading, line } from './tour/show.js'

// --- where ----------------------------------------------------------------------------------------------------

interface Site {
  readonly iaas: IaasClient
  readonly where: string
  /** How to wait. */
  readonly pace: RunOptions
  close(): Promise<void>
}

async function openSite(): Promise<Site> {
  const { STACKIT_PROJECT_ID: projectId, STACKIT_REGION: region } = process.env
  if (projectId === undefined || projectId === '') return openEmbedded()
  const client = createStackit({ projectId, region: region ?? 'eu01', services: { iaas } })
  return siteOf(client, `the project ${projectId}`, {}, () => Promise.resolve())
}

/** Forty times as fast as a real cloud, and with an image to start from. */
async function openEmbedded(): Promise<Site> {
  const cloud = await startCloud({ clouds: ['stackit'], clock: { speed: 40 } })
  const { stackit } = cloud
  const { projectId } = stackit
  const image = { name: 'Debian 12', status: 'AVAILABLE', diskFormat: 'qcow2', minDiskSize: 10 }
  const imageId = 'b1a2c3d4-0000-4000-8000-000000000001'
  stackit.resources.put('iaas', `/v2/projects/${projectId}/regions/eu01/images/${imageId}`, image)
  const client = createStackit({
    serviceAccountKey: JSON.stringify(stackit.serviceAccountKey),
    tokenEndpoint: stackit.tokenUrl,
    projectId,
    region: 'eu01',
    endpoints: { iaas: stackit.endpoint('iaas') },
    services: { iaas },
  })
  const pace = { interval: 100, initialDelay: 0 }
  return siteOf(client, 'the embedded cloud', pace, () => cloud.close())
}

function siteOf(
  client: StackitClient<{ iaas: typeof iaas }>,
  where: string,
  pace: RunOptions,
  closeCloud: () => Promise<void>,
): Site {
  return {
    iaas: client.iaas,
    where,
    // An event for each poll: Ctrl-C is looked for with each.
    pace: { ...pace, distinct: false },
    close: () => {
      client.close()
      return closeCloud()
    },
  }
}

// --- what is made of which ------------------------------------------------------------------------------------

interface Choice {
  readonly image: Image
  readonly machineType: string
  readonly availabilityZone: string
}

/** The smallest machine, an image that is usual, the first zone. */
function choose({ iaas }: Site): Observable<Choice> {
  return forkJoin({
    images: iaas.listImages({ all: true }),
    machines: iaas.listMachineTypes(),
    zones: iaas.listAvailabilityZones(),
  }).pipe(
    map(({ images, machines, zones }) => {
      const image = images.items.find(
        ({ name, status }) => status === 'AVAILABLE' && /debian|ubuntu/i.test(name),
      )
      const [machine] = [...machines.items].sort((a, b) => a.vcpus - b.vcpus || a.ram - b.ram)
      const [availabilityZone] = zones.items
      if (image === undefined || machine === undefined || availabilityZone === undefined) {
        throw new Error('there is no image, no machine type or no zone to choose from')
      }
      return { image, machineType: machine.name, availabilityZone }
    }),
  )
}

/** Ids of what was made; empty until the cloud has accepted it. */
interface Made {
  networkId: string
  volumeId: string
  serverId: string
  publicIpId: string
}

/** How far something is. */
interface Look {
  readonly state: string
  readonly percent: number
}

interface Step {
  readonly name: string
  readonly id: keyof Made
  readonly create: () => Observable<Look>
  readonly remove: () => Observable<Look>
}

function stepsOf(
  { iaas, pace }: Site,
  { image, machineType, availabilityZone }: Choice,
  made: Made,
): readonly Step[] {
  const name = `skystream-${String(process.pid)}`
  /** What is submitted has an id, and must be removed even if nobody waits for it any more. */
  const noting = (id: keyof Made) =>
    tap((event: OperationEvent<unknown, unknown>) => {
      if (event.kind === 'submitted') made[id] = String(event.ref.args[id])
    })
  return [
    {
      name: 'network',
      id: 'networkId',
      create: () =>
        iaas.run
          .createNetwork({ body: { name, ipv4: { prefixLength: 25 } } }, pace)
          .pipe(noting('networkId'), map(lookAt)),
      remove: () => iaas.run.deleteNetwork({ networkId: made.networkId }, pace).pipe(map(lookAt)),
    },
    {
      name: 'volume',
      id: 'volumeId',
      create: () => {
        const source = { type: 'image', id: image.id ?? '' }
        const size = Math.max(10, image.minDiskSize ?? 0)
        return iaas.run
          .createVolume({ body: { name, availabilityZone, size, source } }, pace)
          .pipe(noting('volumeId'), map(lookAt))
      },
      remove: () => iaas.run.deleteVolume({ volumeId: made.volumeId }, pace).pipe(map(lookAt)),
    },
    {
      name: 'server',
      id: 'serverId',
      create: () => {
        const bootVolume = { source: { type: 'volume', id: made.volumeId } }
        const networking = { networkId: made.networkId }
        return iaas.run
          .createServer({ body: { name, machineType, availabilityZone, bootVolume, networking } }, pace)
          .pipe(noting('serverId'), map(lookAt))
      },
      remove: () => iaas.run.deleteServer({ serverId: made.serverId }, pace).pipe(map(lookAt)),
    },
    {
      name: 'public IP',
      id: 'publicIpId',
      create: () =>
        iaas.createPublicIP({ body: {} }).pipe(
          concatMap(({ id = '', ip = '' }) => {
            made.publicIpId = id
            const { serverId } = made
            const added = iaas.run.addPublicIpToServer({ serverId, publicIpId: id }, pace).pipe(map(lookAt))
            return concat(added, of({ state: ip, percent: 100 }))
          }),
        ),
      remove: () =>
        iaas
          .deletePublicIP({ publicIpId: made.publicIpId })
          .pipe(map(() => ({ state: 'done', percent: 100 }))),
    },
  ]
}

function lookAt(event: OperationEvent<unknown, unknown>): Look {
  switch (event.kind) {
    case 'submitted':
      return { state: 'submitted', percent: 10 }
    case 'progress':
      return { state: event.state, percent: event.percent ?? 50 }
    case 'retrying':
      return { state: `busy, next try in ${String(event.delayMs)} ms`, percent: 0 }
    case 'done':
      return { state: 'done', percent: 100 }
  }
}

// --- one stream -----------------------------------------------------------------------------------------------

interface Part {
  readonly name: string
  readonly looks: Observable<Look>
}

/** One part after the other, as a whole that never falls. */
function inTurn(parts: readonly Part[]): Observable<Look> {
  const looks = parts.map(({ name, looks }, index) =>
    looks.pipe(
      map(({ state, percent }) => ({
        state: `${name}: ${state}`,
        percent: (100 * index + percent) / parts.length,
      })),
    ),
  )
  return concat(...looks).pipe(
    scan((before, now) => ({ ...now, percent: Math.max(before.percent, now.percent) })),
  )
}

/** Moves a bar with what comes; emits nothing. */
function show(title: string, looks: Observable<Look>): Observable<never> {
  return defer(() => {
    const progress = bar(title)
    let last: Look = { state: 'nothing to do', percent: 0 }
    return looks.pipe(
      tap({
        next: (look) => {
          last = look
          progress.update(look.percent, look.state)
        },
        complete: () => {
          if (last.percent === 100) progress.end(last.state)
        },
      }),
      ignoreElements(),
    )
  })
}

/** An interruption ends it with the next look: never between the request that makes something and the answer that names it. */
function create(steps: readonly Step[], interrupted: Observable<boolean>): Observable<Look> {
  return inTurn(steps.map(({ name, create }) => ({ name, looks: defer(create) }))).pipe(
    withLatestFrom(interrupted),
    takeWhile(([, isInterrupted]) => !isInterrupted),
    map(([look]) => look),
  )
}

/** The last that was made goes first. What cannot be removed is told, and the rest goes nevertheless. */
function remove(steps: readonly Step[], made: Made): Observable<Look> {
  const there = steps.filter(({ id }) => made[id] !== '').reverse()
  return inTurn(
    there.map(({ name, id, remove }) => ({
      name,
      looks: defer(remove).pipe(
        tap({
          complete: () => {
            line(`${name} ${made[id]} is removed`)
          },
        }),
        catchError((error: unknown) => {
          line(`${name} ${made[id]} could not be removed: ${String(error)}`)
          process.exitCode = 1
          return EMPTY
        }),
      ),
    })),
  )
}

// --- the program ----------------------------------------------------------------------------------------------

const interrupted = new BehaviorSubject(false)
process.once('SIGINT', () => {
  process.exitCode = 130
  line('interrupted: what was made is removed again')
  interrupted.next(true)
})

const site = await openSite()
const made: Made = { networkId: '', volumeId: '', serverId: '', publicIpId: '' }
try {
  heading(`A server in ${site.where}`)
  const steps = stepsOf(site, await lastValueFrom(choose(site)), made)
  try {
    await lastValueFrom(show('creating', create(steps, interrupted)), { defaultValue: undefined })
  } finally {
    await lastValueFrom(show('removing', remove(steps, made)), { defaultValue: undefined })
  }
} finally {
  await site.close()
}
