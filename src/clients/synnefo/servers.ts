import { concatMap, from, map, type Observable } from 'rxjs'
import { ConfigurationError, type OperationRef } from '../../errors.js'
import { call, type Api } from '../../http/api.js'
import type { AnyOperation, CallOptions } from '../../http/types.js'
import type { OperationEvent } from '../../streams/events.js'
import {
  checkWatchOptions,
  refer,
  submitAndWatch,
  watchOperation,
  type WatchOptions,
} from '../../streams/operation.js'
import {
  createServer,
  getServer,
  listServers,
  rebootServer,
  removeServer,
  shutdownServer,
  startServer,
  type ServerFilter,
} from './compute-operations.js'
import type { CreatedServer, Id, Server, ServerSpec, ServerStatus } from './schemas.js'
import {
  built,
  gone,
  reached,
  rebooted,
  removed,
  settled,
  started,
  stopped,
  vanished,
  type ServerClassifier,
} from './server-states.js'

/** Waiting for a server, and how its requests are sent. */
export interface ServerWatchOptions extends WatchOptions {
  /** Of the request that submits. */
  readonly call?: CallOptions
}
export interface AttachOptions extends ServerWatchOptions {
  /** The state to wait for. Default: until nothing is going on any more. */
  readonly until?: ServerStatus
}
export interface RebootOptions extends ServerWatchOptions {
  /** Cuts the power instead of asking the system. Default false. */
  readonly hard?: boolean
}

/**
 * Virtual machines (synnefo-compute dossier 6). All methods are cold: nothing is sent before the subscription, and
 * subscribing to `build` twice builds two servers.
 */
export interface Servers {
  /** Emits each server. One request; Cyclades has no pages. */
  list(filter?: ServerFilter, options?: CallOptions): Observable<Server>
  /** Emits the server, also one that was deleted (`status: 'DELETED'`), and completes. `NotFoundError` if there never was one. */
  get(id: Id, options?: CallOptions): Observable<Server>
  /** Emits the server as accepted, in state BUILD, with the only copy of its password; it is built when `watch` says so. Never retried: it would build twice. */
  create(spec: ServerSpec, options?: CallOptions): Observable<CreatedServer>
  /** Asks for the removal and completes when it is accepted; `watch(id, { until: 'DELETED' })` waits for the end. */
  remove(id: Id, options?: CallOptions): Observable<void>
  /** Creates a server and watches it until it is ACTIVE; `done` carries the server, with its password. */
  build(spec: ServerSpec, options?: ServerWatchOptions): Observable<OperationEvent<Server, CreatedServer>>
  /** Starts a stopped server and watches it until it is ACTIVE. May fail for lack of quota (413). */
  start(id: Id, options?: ServerWatchOptions): Observable<OperationEvent<Server>>
  /** Shuts a server down and watches it until it is STOPPED. */
  shutdown(id: Id, options?: ServerWatchOptions): Observable<OperationEvent<Server>>
  /** Reboots a server and watches it until it is ACTIVE again. A reboot that failed cannot be told from one that went well (6.5). */
  reboot(id: Id, options?: RebootOptions): Observable<OperationEvent<Server>>
  /** Attaches to what is going on with a server, by its id or by the `ref` of an earlier event, also after a restart of the program. */
  watch(target: Id | OperationRef, options?: AttachOptions): Observable<OperationEvent<Server>>
}

export function createServers(api: Api): Servers {
  const referTo = (operation: AnyOperation | string, id: Id): OperationRef => refer(api, operation, { id })

  const follow = (
    ref: OperationRef,
    id: Id,
    classifier: ServerClassifier,
    options: WatchOptions,
  ): Observable<OperationEvent<Server>> =>
    watchOperation(
      {
        ref,
        classifier,
        poll: () => call(api, getServer, { id }, { retry: false }),
        ...(classifier === removed ? { gone: gone(id) } : {}),
        ...(classifier === settled ? { gone: vanished(id) } : {}),
      },
      options,
      api.runtime,
    )

  const act = (
    operation: AnyOperation,
    submitted: Observable<void>,
    id: Id,
    options: ServerWatchOptions,
  ): Observable<OperationEvent<Server>> => {
    checkWatchOptions(options)
    return submitAndWatch(
      submitted,
      () => {
        const ref = referTo(operation, id)
        return { ref, events: follow(ref, id, classifierOf(ref.operation), options) }
      },
      options.signal,
    )
  }

  return {
    list: (filter = {}, options) =>
      call(api, listServers, filter, options).pipe(concatMap((servers) => from(servers))),
    get: (id, options) => call(api, getServer, { id: checkId(id) }, options),
    create: (spec, options) => call(api, createServer, checkSpec(spec), options),
    remove: (id, options) => call(api, removeServer, { id: checkId(id) }, options),
    build: (spec, options = {}) => build(call(api, createServer, checkSpec(spec), options.call), options),
    start: (id, options = {}) =>
      act(startServer, call(api, startServer, { id: checkId(id) }, options.call), id, options),
    shutdown: (id, options = {}) =>
      act(shutdownServer, call(api, shutdownServer, { id: checkId(id) }, options.call), id, options),
    reboot: (id, { hard = false, ...options } = {}) =>
      act(rebootServer, call(api, rebootServer, { id: checkId(id), hard }, options.call), id, options),
    watch: (target, { until, ...options } = {}) => {
      const ref = checkRef(target) ?? referTo('synnefo.servers.watch', checkId(target))
      const id = checkId(ref.args['id'])
      const classifier = until === undefined ? classifierOf(ref.operation) : reached(until)
      return follow(ref, id, classifier, options)
    },
  }

  function build(
    created: Observable<CreatedServer>,
    options: ServerWatchOptions,
  ): Observable<OperationEvent<Server, CreatedServer>> {
    checkWatchOptions(options)
    return submitAndWatch(
      created,
      (server) => {
        const ref = referTo(createServer, server.id)
        const events = follow(ref, server.id, built, options)
        return { ref, events: events.pipe(map((event) => withPassword(event, server.adminPass))) }
      },
      options.signal,
    )
  }
}

/** How to go on with an operation that was submitted, here or by a program that is no more. */
function classifierOf(operation: string): ServerClassifier {
  return classifiers[operation] ?? settled
}
const classifiers: Readonly<Record<string, ServerClassifier>> = {
  [createServer.id]: built,
  [startServer.id]: started,
  [shutdownServer.id]: stopped,
  [rebootServer.id]: rebooted,
  [removeServer.id]: removed,
}

/** The result of a build carries the password that only the creation told; hidden, as there. */
function withPassword(
  event: OperationEvent<Server>,
  adminPass: string | undefined,
): OperationEvent<Server, CreatedServer> {
  if (event.kind !== 'done' || adminPass === undefined) return event
  const result = Object.defineProperty({ ...event.result }, 'adminPass', {
    value: adminPass,
    enumerable: false,
  })
  return { ...event, result }
}

function checkId(id: unknown): Id {
  if ((typeof id === 'string' && id !== '') || (typeof id === 'number' && Number.isFinite(id))) return id
  throw new TypeError('id: expected the id of a server, a number or a string that is not empty')
}

/** The reference, if it is one: to a server of this cloud. */
function checkRef(target: unknown): OperationRef | undefined {
  if (typeof target !== 'object' || target === null) return undefined
  const ref = target as Partial<OperationRef>
  if (ref.cloud !== 'synnefo' || ref.operation?.startsWith('synnefo.servers.') !== true) {
    throw new TypeError('target: expected the id of a server, or the ref of an operation of synnefo.servers')
  }
  checkId(ref.args?.['id'])
  return ref as OperationRef
}

// Plain JavaScript callers get the missing field by name, before anything is sent (dossier 6.4).
function checkSpec(spec: ServerSpec): ServerSpec {
  const { name, flavorRef, imageRef } = spec as { [field in keyof ServerSpec]?: unknown }
  if (typeof name !== 'string' || name === '')
    throw new ConfigurationError('spec.name: a server needs a name')
  if (flavorRef === undefined || flavorRef === '') {
    throw new ConfigurationError('spec.flavorRef: expected the id of a flavor')
  }
  if (imageRef === undefined) {
    throw new ConfigurationError('spec.imageRef: expected the id of an image, or null with a block device')
  }
  return spec
}
