import {
  created,
  statusBody,
  type Action,
  type Answer,
  type Call,
  type Collection,
} from '../slipstream/cimi/collections.js'
import { CimiFailure, forbidden, invalidSchema, notFound } from '../slipstream/cimi/failure.js'
import { isFields, type Fields } from '../slipstream/cimi/json.js'
import type { Document, DocumentStore } from '../slipstream/cimi/store.js'
import { createDeploymentParameters } from './deployment-parameters.js'
import { openTo, ownedBy, readableBy, USERS } from './dialect.js'
import type { Jobs, Task } from './jobs.js'
import type { Modules } from './modules.js'
import type { NuvlaUsers } from './users.js'

/** In which states an action is offered (slipstream dossier, Appendix N). */
const OFFERED: Readonly<Record<string, readonly string[]>> = {
  start: ['CREATED', 'STOPPED'],
  stop: ['PENDING', 'STARTING', 'STARTED', 'UPDATING', 'ERROR'],
  update: ['STARTED', 'ERROR'],
  'create-log': ['STARTED', 'UPDATING', 'ERROR'],
}
const REMOVABLE: readonly unknown[] = ['CREATED', 'STOPPED']

/** What a user may tell when he makes one. */
const ADDED = ['name', 'description', 'tags', 'parent', 'execution-mode', 'deployment-set']

/** Deployments: made of a module, given an infrastructure, moved by jobs. */
export function createDeployments(options: {
  readonly store: DocumentStore
  readonly jobs: Jobs
  readonly modules: Modules
  readonly users: NuvlaUsers
  readonly recordEvent: (resource: string, state: string, owner: string) => void
  readonly wallNow: () => number
}): readonly Collection[] {
  const { store, jobs, modules, users, recordEvent, wallNow } = options
  const parameters = createDeploymentParameters(store, (id) => {
    const deployment = store.get(id)
    return {
      node: deployment === undefined ? '' : String(moduleOf(deployment)['name']),
      owner: String(deployment?.['owner']),
    }
  })

  const moveTo = (id: string, state: string): void => {
    const { owner } = store.update(id, { state })
    recordEvent(id, state, String(owner))
  }
  const checkParent = (parent: unknown, { identity }: Pick<Call, 'identity'>): void => {
    if (parent === undefined) return
    if (typeof parent !== 'string') throw invalidSchema('parent - not a string')
    const credential = parent.startsWith('credential/') ? store.get(parent) : undefined
    if (credential === undefined) throw notFound(parent)
    if (!identity.privileged && !isOwner(credential, identity.roles)) throw forbidden(parent)
  }
  const make = (call: Call, body: Fields): Document => {
    const wanted = body['module']
    const href = isFields(wanted) ? wanted['href'] : undefined
    if (typeof href !== 'string') throw invalidSchema('module.href - missing required key')
    const module = href.startsWith('module/') ? modules.find(href) : undefined
    if (module === undefined) throw notFound(href)
    checkParent(body['parent'], call)
    const owner = call.identity.user ?? ''
    const given = Object.fromEntries(Object.entries(body).filter(([key]) => ADDED.includes(key)))
    const document = store.add('deployment', {
      ...given,
      state: 'CREATED',
      module: snapshotOf(module, href),
      'api-endpoint': call.exchange.origin,
      owner,
      'created-by': owner,
      acl: ownedBy(owner),
    })
    recordEvent(document.id, 'CREATED', owner)
    return document
  }
  const destroy = (id: string): void => {
    jobs.supersede(id)
    parameters.removeAll(id)
    store.remove(id)
  }
  const checkSubscription = ({ identity }: Call): void => {
    const user = users.byId(identity.roles.find((role) => role.startsWith('user/')) ?? '')
    if (identity.privileged || user === undefined || user.subscribed) return
    throw new CimiFailure(402, 'Valid subscription and payment method are needed!')
  }
  const modeOf = (deployment: Document): Task['mode'] => {
    if (deployment['execution-mode'] === 'pull') return 'pull'
    const credential = store.get(String(deployment['parent']))
    const capabilities = store.get(String(credential?.['parent']))?.['capabilities']
    return Array.isArray(capabilities) && capabilities.includes('NUVLA_JOB_PULL') ? 'pull' : 'push'
  }
  const submit = (
    deployment: Document,
    action: string,
    task: Pick<Task, 'taken' | 'progressed' | 'succeeded'> & {
      readonly payload?: Fields
      readonly state: string
    },
  ): Answer => {
    const { id } = deployment
    jobs.supersede(id)
    const { state, ...rest } = task
    moveTo(id, state)
    const job = jobs.submit({
      ...rest,
      action,
      target: id,
      owner: String(deployment['owner']),
      mode: modeOf(deployment),
      failed(message) {
        if (store.get(id) === undefined) return
        parameters.set(id, { 'current.error.message': message, 'current.state': 'failed' })
        moveTo(id, 'ERROR')
      },
    })
    const message = `${action} ${id} with async ${job.id}`
    return {
      status: 202,
      body: { ...statusBody(202, message, id), location: job.id },
      headers: { Location: job.id },
    }
  }
  const start = (call: Call, deployment: Document): Answer => {
    checkSubscription(call)
    const { id } = deployment
    // unverified: what the server says to a deployment that has no infrastructure.
    if (deployment['parent'] === undefined) throw new CimiFailure(400, `parent of ${id} is not set`, id)
    const pulled = modeOf(deployment) === 'pull'
    const answer = submit(deployment, 'start_deployment', {
      state: pulled ? 'PENDING' : 'STARTING',
      taken() {
        if (pulled) moveTo(id, 'STARTING')
      },
      progressed(percent) {
        if (percent === 40) parameters.set(id, { hostname: '198.18.1.10' })
        if (percent === 60) parameters.set(id, { 'tcp.80': '32768', 'service-id': id.slice(-12) })
      },
      succeeded() {
        const values = { 'current.state': 'running', 'replicas.running': '1' }
        parameters.set(id, { ...values, 'check.timestamp': new Date(wallNow()).toISOString() })
        moveTo(id, 'STARTED')
      },
    })
    parameters.set(id, {
      'current.state': 'starting',
      'desired.state': 'running',
      'replicas.desired': '1',
      'replicas.running': '0',
      'restart.number': '0',
    })
    return answer
  }
  const stop = (_call: Call, deployment: Document, body: Fields): Answer => {
    const { id } = deployment
    return submit(deployment, 'stop_deployment', {
      state: 'STOPPING',
      payload: body,
      succeeded() {
        parameters.set(id, { 'current.state': 'stopped', 'replicas.running': '0' })
        moveTo(id, 'STOPPED')
        if (body['delete'] === true) destroy(id)
      },
    })
  }
  const update = (call: Call, deployment: Document): Answer => {
    checkSubscription(call)
    const { id } = deployment
    return submit(deployment, 'update_deployment', {
      state: 'UPDATING',
      succeeded() {
        parameters.set(id, {
          'current.state': 'running',
          'check.timestamp': new Date(wallNow()).toISOString(),
        })
        moveTo(id, 'STARTED')
      },
    })
  }
  const createLog = (call: Call, deployment: Document, body: Fields): Answer => {
    checkSubscription(call)
    const components = Array.isArray(body['components']) ? body['components'].map(String) : []
    const names = components.length > 0 ? components : [String(moduleOf(deployment)['name'])]
    const { id } = store.add('resource-log', {
      parent: deployment.id,
      components: names,
      lines: typeof body['lines'] === 'number' ? body['lines'] : 200,
      log: Object.fromEntries(names.map((name) => [name, [`${name} listens`]])),
      acl: ownedBy(String(deployment['owner'])),
    })
    return created(id)
  }
  const checkDockerCompose = (_call: Call, { id, ['owner']: owner }: Document): Answer => {
    const done = (): void => undefined
    const job = jobs.submit({
      action: 'dct_check',
      target: id,
      owner: String(owner),
      mode: 'push',
      succeeded: done,
      failed: done,
    })
    const message = `dct_check ${id} with async ${job.id}`
    return {
      status: 202,
      body: { ...statusBody(202, message, id), location: job.id },
      headers: { Location: job.id },
    }
  }
  const stateful = (name: string, run: Action['run']): Action => ({
    right: 'manage',
    offered: ({ state }) => OFFERED[name]?.includes(String(state)) ?? false,
    run,
  })

  return [
    {
      name: 'deployment',
      acl: openTo(USERS),
      add: (call, body) => created(make(call, body).id),
      edit(deployment, changes, identity) {
        const { state: _state, owner: _owner, ['created-by']: _by, module, ...rest } = changes
        checkParent(rest['parent'], { identity })
        if (module !== undefined && !isFields(module)) throw invalidSchema('module - not an object')
        return { ...rest, module: { ...moduleOf(deployment), ...module } }
      },
      removable: ({ state }) => REMOVABLE.includes(state),
      remove(_call, { id }) {
        destroy(id)
        return undefined
      },
      actions: {
        start: stateful('start', start),
        stop: stateful('stop', stop),
        update: stateful('update', update),
        'create-log': stateful('create-log', createLog),
        clone: {
          right: 'manage',
          run(call, deployment, body) {
            const { name, description, tags, parent } = deployment
            const inherited = Object.fromEntries(
              Object.entries({ name, description, tags, parent }).filter(([, value]) => value !== undefined),
            )
            const module = { href: moduleOf(deployment)['href'] }
            return created(make(call, { ...inherited, module, ...body }).id)
          },
        },
        'check-dct': { right: 'manage', run: checkDockerCompose },
        'fetch-module': {
          right: 'manage',
          run(_call, deployment) {
            const href = String(moduleOf(deployment)['href'])
            const module = modules.find(href)
            if (module === undefined) throw notFound(href)
            return { status: 200, body: store.update(deployment.id, { module: snapshotOf(module, href) }) }
          },
        },
        'force-delete': {
          right: 'delete',
          run(_call, { id }) {
            destroy(id)
            return { status: 200, body: statusBody(200, `${id} deleted`, id) }
          },
        },
        detach: {
          right: 'manage',
          offered: (deployment) => deployment['deployment-set'] !== undefined,
          run: (_call, { id }) => ({ status: 200, body: store.update(id, { 'deployment-set': undefined }) }),
        },
      },
    },
    { name: 'deployment-parameter', acl: readableBy(USERS) },
  ]
}

/** A deployment keeps the module as it was when it was made. */
function snapshotOf(module: Document, href: string): Fields {
  const { id, path, name, subtype, versions, content } = module
  return { href, id, path, name, subtype, versions, content }
}

function moduleOf(deployment: Document): Fields {
  return isFields(deployment['module']) ? deployment['module'] : {}
}

function isOwner({ acl }: Document, roles: readonly string[]): boolean {
  const owners = isFields(acl) ? acl['owners'] : undefined
  return Array.isArray(owners) && owners.some((owner) => roles.includes(String(owner)))
}
