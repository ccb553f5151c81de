import type { Chance } from '../chance.js'
import type { Clock } from '../service.js'
import type { AddressPool } from './addresses.js'
import { ApiFault, badRequest, forbidden } from './answers.js'
import type { Commission, Quotas } from './quotas.js'
import type { Flavor, Image } from './seeds.js'

export type ServerStatus = 'BUILD' | 'ACTIVE' | 'STOPPED' | 'REBOOT' | 'ERROR' | 'DELETED'
/** What a server is asked to do, by the names that error texts use. */
export type ServerAction = 'BUILD' | 'START' | 'STOP' | 'REBOOT' | 'RESIZE' | 'DESTROY'
export type FirewallProfile = 'ENABLED' | 'DISABLED' | 'PROTECTED'

export interface ServerPort {
  readonly id: number
  readonly networkId: string
  readonly mac: string
  readonly ipv4: string
  state: 'BUILD' | 'ACTIVE' | 'ERROR'
  firewall: FirewallProfile | undefined
}

export interface Diagnostic {
  readonly level: 'DEBUG' | 'INFO' | 'WARNING' | 'ERROR'
  readonly created: number
  readonly source: string
  readonly sourceDate: number
  readonly message: string
  readonly details: string | null
}

export interface Server {
  readonly id: number
  name: string
  readonly userId: string
  projectId: string
  sharedToProject: boolean
  status: ServerStatus
  /** The job that the server waits for. The end of any other job leaves it alone. */
  pending: { readonly action: ServerAction; readonly job: number } | undefined
  /** The backend knows of the build. */
  queued: boolean
  progress: number
  readonly created: number
  updated: number
  flavor: Flavor
  readonly imageId: string
  suspended: boolean
  deleted: boolean
  readonly metadata: Map<string, string>
  readonly tags: Map<string, 'ACTIVE' | 'PENDADD'>
  ports: ServerPort[]
  volumes: number[]
  /** Newest first. */
  readonly diagnostics: Diagnostic[]
  readonly keyNames: readonly string[]
  password: string | undefined
  /** Cloud time until which the backend works for this server; jobs on one server never overlap. */
  busyUntil: number
  /** Whether its cores and memory are charged. */
  running: 'no' | 'charging' | 'charged' | 'releasing'
  failNextJob: boolean
}

export interface ServerOrder {
  readonly name: string
  readonly userId: string
  readonly projectId: string
  readonly sharedToProject: boolean
  readonly flavor: Flavor
  readonly image: Image
  readonly metadata: ReadonlyMap<string, string>
  readonly tags: readonly string[]
  readonly keyNames: readonly string[]
  readonly password: string
  /** Whether it gets an address on the public network. */
  readonly publicAddress: boolean
}

export interface Servers {
  /** All there ever were, by id. */
  all(): readonly Server[]
  get(id: number): Server | undefined
  create(order: ServerOrder): Server
  start(server: Server): void
  stop(server: Server): void
  reboot(server: Server): void
  resize(server: Server, flavor: Flavor): void
  remove(server: Server): void
  reassign(server: Server, projectId: string, shared: boolean): void
  addTag(server: Server, tag: string): void
  setFirewall(server: Server, port: ServerPort, profile: FirewallProfile): void
  /** Marks it as changed now. */
  touch(server: Server): void
}

export interface ServersOptions {
  readonly clock: Clock
  readonly wallNow: () => number
  readonly chance: Chance
  readonly quotas: Quotas
  readonly addresses: AddressPool
  /** Cloud time of a build, ms. */
  readonly buildMs: number
  /** Cloud time of every other job, ms. */
  readonly actionMs: number
  /** Servers that fit into the cloud. */
  readonly capacity: number
}

const GIB = 2 ** 30
const MIB = 2 ** 20

/** Parts of the build and the percentage reported then: it jumps back once, when the copier starts over (6.2). */
const BUILD_STEPS: readonly (readonly [part: number, progress: number])[] = [
  [0.03, 1],
  [0.1, 9],
  [0.2, 21],
  [0.3, 34],
  [0.4, 47],
  [0.5, 60],
  [0.56, 68],
  [0.6, 52],
  [0.7, 70],
  [0.8, 83],
  [0.9, 95],
  [0.97, 100],
]
const BUILD_BREAKS_AT = 0.65

export function createServers(options: ServersOptions): Servers {
  const { clock, wallNow, chance, quotas, addresses, buildMs, actionMs } = options
  const servers = new Map<number, Server>()
  const firstServerId = 42
  let alive = 0
  let lastJob = 0
  let lastPort = 17
  let lastVolume = 6

  const touch = (server: Server): void => {
    server.updated = wallNow()
  }
  const report = (server: Server, level: Diagnostic['level'], source: string, message: string): void => {
    const created = wallNow()
    server.diagnostics.unshift({
      level,
      created,
      source,
      sourceDate: created,
      message,
      details: level === 'ERROR' ? 'The helper machine ended with exit status 1.' : null,
    })
  }
  const shortJob = Math.min(1000, actionMs / 10)

  interface Job {
    readonly action: ServerAction
    readonly durationMs: number
    /** What is seen on the way, at a part of the duration. */
    readonly steps?: readonly (readonly [part: number, step: () => void])[]
    readonly done: () => void
    readonly failed?: () => void
  }
  const run = (server: Server, job: Job): void => {
    const number = ++lastJob
    const fails = server.failNextJob
    server.failNextJob = false
    server.pending = { action: job.action, job: number }
    touch(server)
    const wait = Math.max(server.busyUntil - clock.now(), 0)
    server.busyUntil = clock.now() + wait + job.durationMs
    for (const [part, step] of job.steps ?? []) {
      clock.after(wait + part * job.durationMs, () => {
        if (server.deleted) return
        step()
        touch(server)
      })
    }
    clock.after(wait + job.durationMs, () => {
      if (server.deleted) return
      if (fails) job.failed?.()
      else job.done()
      // A newer job has taken the place of this one: the server now waits for that (audit note of the dossier).
      if (server.pending?.job === number) server.pending = undefined
      touch(server)
    })
  }

  const charge = (server: Server, amounts: Parameters<Quotas['charge']>[2]): Commission =>
    quotas.charge(server.userId, server.projectId, amounts)
  const compute = (flavor: Flavor, sign: 1 | -1) => ({
    'cyclades.cpu': sign * flavor.vcpus,
    'cyclades.ram': sign * flavor.ram * MIB,
  })
  const storage = (flavor: Flavor, sign: 1 | -1) => ({
    'cyclades.vm': sign,
    'cyclades.disk': sign * flavor.disk * GIB,
  })
  const chargeRunning = (server: Server): Commission | undefined => {
    if (server.running === 'charged') return undefined
    const commission = charge(server, compute(server.flavor, 1))
    server.running = 'charging'
    return {
      accept() {
        commission.accept()
        server.running = 'charged'
      },
      reject() {
        commission.reject()
        server.running = 'no'
      },
    }
  }

  const buildSteps = (server: Server, until: number): NonNullable<Job['steps']> =>
    BUILD_STEPS.filter(([part]) => part < until).map(([part, progress], index) => [
      // Steps keep their order: the jitter is smaller than half their distance.
      part + (chance.fraction() - 0.5) * 0.01,
      () => {
        server.progress = progress
        if (index === 1) report(server, 'DEBUG', 'image-info', 'The image is being copied.')
      },
    ])

  const build = (server: Server, image: Image, commission: Commission): void => {
    if (image.outcome === 'not-queued') {
      commission.accept()
      server.running = 'charged'
      server.queued = true
      endInError(server, 'The job could not be queued in the backend.')
      return
    }
    const breaks = image.outcome === 'error'
    run(server, {
      action: 'BUILD',
      durationMs: breaks ? buildMs * BUILD_BREAKS_AT : buildMs,
      steps: breaks
        ? buildSteps(server, BUILD_BREAKS_AT).map(([part, step]) => [part / BUILD_BREAKS_AT, step])
        : buildSteps(server, 1),
      done() {
        if (breaks) {
          endInError(
            server,
            'The image could not be customised: no file system was found on its root partition.',
          )
          return
        }
        server.status = 'ACTIVE'
        server.progress = 100
        for (const port of server.ports) port.state = 'ACTIVE'
        report(server, 'DEBUG', 'image-info', 'Image customization finished successfully.')
      },
      failed() {
        endInError(server, 'The build job failed in the backend.')
      },
    })
    clock.after(Math.min(1000, buildMs / 20), () => {
      server.queued = true
      commission.accept()
      if (server.running === 'charging') server.running = 'charged'
    })
  }

  const endInError = (server: Server, message: string): void => {
    server.status = 'ERROR'
    for (const port of server.ports) port.state = 'ERROR'
    report(server, 'ERROR', 'image-error', message)
  }

  return {
    all: () => [...servers.values()],
    get: (id) => servers.get(id),
    touch,
    create(order) {
      if (alive >= options.capacity) throw new ApiFault(503, 'serviceUnavailable', 'No available backends')
      const { flavor } = order
      const commission = quotas.charge(order.userId, order.projectId, {
        ...storage(flavor, 1),
        ...compute(flavor, 1),
      })
      const address = order.publicAddress ? addresses.take() : undefined
      const now = wallNow()
      const server: Server = {
        id: firstServerId + servers.size,
        name: order.name,
        userId: order.userId,
        projectId: order.projectId,
        sharedToProject: order.sharedToProject,
        status: 'BUILD',
        pending: undefined,
        queued: false,
        progress: 0,
        created: now,
        updated: now,
        flavor,
        imageId: order.image.id,
        suspended: false,
        deleted: false,
        metadata: new Map(order.metadata),
        tags: new Map(order.tags.map((tag) => [tag, 'PENDADD'])),
        ports:
          address === undefined
            ? []
            : [
                {
                  id: ++lastPort,
                  networkId: addresses.networkId,
                  mac: `aa:00:${chance.hex(8).replace(/(..)(?=.)/g, '$1:')}`,
                  ipv4: address,
                  state: 'BUILD',
                  firewall: undefined,
                },
              ],
        volumes: [++lastVolume],
        diagnostics: [],
        keyNames: order.keyNames,
        password: order.password,
        busyUntil: 0,
        running: 'charging',
        failNextJob: false,
      }
      servers.set(server.id, server)
      alive += 1
      build(server, order.image, commission)
      for (const tag of order.tags) settleTag(server, tag)
      return server
    },
    start(server) {
      const commission = chargeRunning(server)
      run(server, {
        action: 'START',
        durationMs: actionMs,
        done() {
          commission?.accept()
          server.status = 'ACTIVE'
        },
        failed: () => commission?.reject(),
      })
    },
    stop(server) {
      const commission = charge(server, compute(server.flavor, -1))
      server.running = 'releasing'
      run(server, {
        action: 'STOP',
        durationMs: actionMs,
        done() {
          commission.accept()
          server.running = 'no'
          server.status = 'STOPPED'
        },
        failed() {
          commission.reject()
          server.running = 'charged'
        },
      })
    },
    reboot(server) {
      // A server that is STOPPED is started by it (6.5), so it is charged like a start.
      const commission = chargeRunning(server)
      run(server, {
        action: 'REBOOT',
        durationMs: actionMs,
        steps: server.status === 'ACTIVE' ? [[0.4, () => (server.status = 'REBOOT')]] : [],
        done() {
          commission?.accept()
          server.status = 'ACTIVE'
        },
        failed() {
          commission?.reject()
          if (server.status === 'REBOOT') server.status = 'ACTIVE'
        },
      })
    },
    resize(server, flavor) {
      run(server, {
        action: 'RESIZE',
        durationMs: actionMs,
        done() {
          server.flavor = flavor
        },
      })
    },
    remove(server) {
      const holdsCompute = server.running === 'charged'
      const commission = charge(server, {
        ...storage(server.flavor, -1),
        ...(holdsCompute ? compute(server.flavor, -1) : {}),
      })
      if (holdsCompute) server.running = 'releasing'
      run(server, {
        action: 'DESTROY',
        durationMs: actionMs,
        done() {
          commission.accept()
          // A job that was under way when the server was given up has charged them after that.
          if (!holdsCompute && server.running === 'charged')
            charge(server, compute(server.flavor, -1)).accept()
          server.running = 'no'
          server.status = 'DELETED'
          server.deleted = true
          alive -= 1
          server.pending = undefined
          server.password = undefined
          for (const port of server.ports) addresses.give(port.ipv4)
          server.ports = []
          server.volumes = []
        },
        failed() {
          commission.reject()
          if (holdsCompute) server.running = 'charged'
        },
      })
    },
    reassign(server, projectId, shared) {
      const held = {
        ...storage(server.flavor, 1),
        ...(server.running === 'no' ? {} : compute(server.flavor, 1)),
      }
      const released = {
        ...storage(server.flavor, -1),
        ...(server.running === 'no' ? {} : compute(server.flavor, -1)),
      }
      if (projectId !== server.projectId) {
        quotas.charge(server.userId, projectId, held).accept()
        charge(server, released).accept()
      }
      server.projectId = projectId
      server.sharedToProject = shared
      touch(server)
    },
    addTag(server, tag) {
      server.tags.set(tag, 'PENDADD')
      touch(server)
      settleTag(server, tag)
    },
    setFirewall(server, port, profile) {
      clock.after(shortJob, () => {
        port.firewall = profile
        touch(server)
      })
    },
  }

  function settleTag(server: Server, tag: string): void {
    clock.after(shortJob, () => {
      if (server.deleted || !server.tags.has(tag)) return
      server.tags.set(tag, 'ACTIVE')
      touch(server)
    })
  }
}

const NEEDS_STOPPED: readonly ServerAction[] = ['START', 'RESIZE']

/** Refuses what cannot be done with a server that is gone or locked by an administrator (6.6, rules 1 and 2). */
export function checkUsable(server: Server): void {
  if (server.deleted) throw badRequest(`Server '${String(server.id)}' has been deleted.`)
  if (server.suspended) throw forbidden('Administratively Suspended VM')
}

/** Refuses what cannot be done with a server in its present state (6.6). */
export function checkAction(server: Server, action: Exclude<ServerAction, 'BUILD'>): void {
  const id = String(server.id)
  const beingBuilt = (): ApiFault => new ApiFault(409, 'buildInProgress', `Server '${id}' is being built.`)
  checkUsable(server)
  if (action === 'DESTROY') {
    if (!server.queued) throw beingBuilt()
    return
  }
  if (server.pending?.action === 'BUILD') throw beingBuilt()
  if (server.pending !== undefined) {
    throw badRequest(`Cannot perform '${action}' action while there is a pending '${server.pending.action}'.`)
  }
  const wrongState = (state: string): ApiFault =>
    badRequest(`Cannot perform '${action}' action while server is in '${state}' state.`)
  if (server.status === 'ERROR') throw wrongState('ERROR')
  if (server.status === 'BUILD') throw beingBuilt()
  const internalName = server.status === 'ACTIVE' ? 'STARTED' : server.status
  if (NEEDS_STOPPED.includes(action) && server.status !== 'STOPPED') throw wrongState(internalName)
  if (action === 'STOP' && server.status !== 'ACTIVE') throw wrongState(internalName)
}
