import type { Exchange, Service } from '../../service.js'
import { statusBody, type Answer, type Call, type Collection, type Identity } from './collections.js'
import type { Dialect } from './dialect.js'
import { CimiFailure, forbidden, notFound } from './failure.js'
import { asciiJson, parseFields, type Fields } from './json.js'
import { readQuery, readSelect } from './query.js'
import { search, selected } from './search.js'
import type { Document, DocumentStore } from './store.js'

export interface CimiOptions {
  readonly dialect: Dialect
  readonly store: DocumentStore
  readonly collections: readonly Collection[]
  readonly identityOf: (exchange: Exchange) => Identity
}

const FORM = 'application/x-www-form-urlencoded'
const ENTRY_POINT = 'cloud-entry-point'

/** The JSON API under `/api`: one way to search, read, add, edit, delete and act for every collection. */
export function createCimi(options: CimiOptions): Service {
  const { dialect, store, identityOf } = options
  const collections = new Map(options.collections.map((collection) => [collection.name, collection]))
  store.add(ENTRY_POINT, { id: ENTRY_POINT })

  const may = (call: Call, acl: unknown, right: Parameters<Dialect['allows']>[2]): boolean =>
    call.identity.privileged || dialect.allows(acl, call.identity, right)

  const operationsOf = (call: Call, collection: Collection, document: Document): readonly Fields[] => {
    const { id, ['acl']: acl } = document
    const removable = collection.remove !== undefined && (collection.removable?.(document) ?? true)
    return [
      ...(collection.edit !== undefined && may(call, acl, 'edit') ? [{ rel: 'edit', href: id }] : []),
      ...(removable && may(call, acl, 'delete') ? [{ rel: 'delete', href: id }] : []),
      ...Object.entries(collection.actions ?? {}).flatMap(([name, { right, offered }]) =>
        may(call, acl, right) && (offered?.(document, call.identity) ?? true)
          ? [{ rel: dialect.actionRel(name), href: `${id}/${name}` }]
          : [],
      ),
    ]
  }
  // unverified: that the operations are there whatever is selected.
  const shown = (
    call: Call,
    collection: Collection,
    document: Document,
    select?: readonly string[],
  ): Fields => ({
    ...selected(document, select, [dialect.typeField, 'acl']),
    operations: operationsOf(call, collection, document),
  })
  const visible = (call: Call, collection: Collection): readonly Document[] => {
    const documents = store
      .list(collection.name)
      .filter(
        (document) =>
          may(call, document['acl'], 'view') && (collection.findable?.(document, call.identity) ?? true),
      )
    return collection.latestFirst === true ? documents.toReversed() : documents
  }

  const find = (call: Call, collection: Collection, parameters: URLSearchParams): Answer => {
    if (!may(call, collection.acl, 'view')) throw forbidden()
    const query = readQuery(parameters, dialect.prefix, dialect.filter)
    const found = search(visible(call, collection), query, collection.order)
    const adds = collection.add !== undefined && may(call, collection.acl, 'edit')
    return {
      status: 200,
      body: {
        count: found.count,
        id: collection.name,
        [dialect.typeField]: dialect.typeOfCollection(collection.name),
        acl: collection.acl,
        operations: adds ? [{ rel: 'add', href: collection.name }] : [],
        ...(found.aggregations === undefined ? {} : { aggregations: found.aggregations }),
        [dialect.listKey(collection.name)]: found.documents.map((document) =>
          shown(call, collection, document, query.select),
        ),
      },
    }
  }
  const edit = async (call: Call, collection: Collection, document: Document): Promise<Answer> => {
    if (collection.edit === undefined) throw wrongMethod(call.exchange)
    if (!may(call, document['acl'], 'edit')) throw forbidden(document.id)
    const {
      id: _id,
      created: _created,
      updated: _updated,
      operations: _operations,
      ...wanted
    } = await json(call)
    const { [dialect.typeField]: _type, ...changes } = wanted
    const named = readSelect(call.exchange.query, dialect.prefix) ?? []
    const kept = ['id', 'created', 'updated', dialect.typeField, 'acl']
    const dropped = named.filter((name) => !kept.includes(name) && !Object.hasOwn(changes, name))
    const edited = store.update(document.id, {
      ...collection.edit(document, changes, call.identity),
      ...Object.fromEntries(dropped.map((name) => [name, undefined])),
    })
    return dialect.editAnswer === 'document'
      ? { status: 200, body: shown(call, collection, edited) }
      : { status: 200, body: statusBody(200, `updated ${document.id}`, document.id) }
  }
  const remove = (call: Call, collection: Collection, document: Document): Answer => {
    if (collection.remove === undefined) throw wrongMethod(call.exchange)
    if (!may(call, document['acl'], 'delete')) throw forbidden(document.id)
    if (collection.removable?.(document) === false) {
      const message = `invalid state (${stateOf(document)}) for delete on ${document.id}`
      throw new CimiFailure(409, message, document.id)
    }
    return (
      collection.remove(call, document) ?? {
        status: 200,
        body: statusBody(200, `${document.id} deleted`, document.id),
      }
    )
  }
  const act = async (
    call: Call,
    collection: Collection,
    document: Document,
    name: string,
  ): Promise<Answer> => {
    const { exchange, identity } = call
    const action = Object.hasOwn(collection.actions ?? {}, name) ? collection.actions?.[name] : undefined
    if (action === undefined || exchange.method !== 'POST') {
      const wanted = `${exchange.method.toLowerCase()}, ["${collection.name}" "${name}"]`
      throw new CimiFailure(404, `undefined action (${wanted}) for ${exchange.path}`)
    }
    if (!may(call, document['acl'], action.right)) throw forbidden(document.id)
    if (action.offered?.(document, identity) === false) {
      const message = `Action ${name} cannot be called on ${document.id} in state ${stateOf(document)}!`
      throw new CimiFailure(409, message, document.id)
    }
    return action.run(call, document, (await isEmpty(exchange)) ? {} : await json(call))
  }
  const removeMany = async (call: Call, collection: Collection): Promise<Answer> => {
    if (!dialect.bulk || collection.remove === undefined) throw wrongMethod(call.exchange)
    if (!may(call, collection.acl, 'view')) throw forbidden()
    if (call.exchange.headers['bulk'] === undefined) {
      throw new CimiFailure(400, 'Bulk request should contain bulk http header.')
    }
    const query = readQuery(await parametersOf(call.exchange), dialect.prefix, dialect.filter)
    if (query.filters.length === 0) {
      throw new CimiFailure(400, 'Bulk request should contain a non empty cimi filter.')
    }
    const { documents } = search(visible(call, collection), { ...query, first: 1, size: Infinity })
    const doomed = documents.filter(
      (document) => may(call, document['acl'], 'delete') && collection.removable?.(document) !== false,
    )
    for (const document of doomed) collection.remove(call, document)
    // unverified: in the shape of a delete by query of Elasticsearch.
    const body = { took: 1, timed_out: false, total: doomed.length, deleted: doomed.length, failures: [] }
    return { status: 200, body }
  }
  const entryPoint = async (call: Call): Promise<Answer> => {
    const { exchange, identity } = call
    if (exchange.method !== 'GET' && exchange.method !== 'PUT') throw wrongMethod(exchange)
    if (exchange.method === 'PUT') {
      if (!identity.privileged) throw forbidden(ENTRY_POINT)
      const { name, description, properties } = await json(call)
      store.update(ENTRY_POINT, withoutGaps({ name, description, properties }))
    }
    const document = store.get(ENTRY_POINT)
    return {
      status: 200,
      body: {
        ...document,
        ...dialect.entryPoint(`${baseOf(exchange)}/api/`, [...collections.keys()]),
        ...(identity.privileged ? { operations: [{ rel: 'edit', href: ENTRY_POINT }] } : {}),
      },
    }
  }

  const answer = async (call: Call): Promise<Answer> => {
    const { exchange } = call
    const [name = '', rest, action, ...more] = exchange.path.split('/').slice(2).map(decoded)
    if (name === ENTRY_POINT && rest === undefined) return entryPoint(call)
    const collection = collections.get(name)
    if (collection === undefined || rest === '' || action === '' || more.length > 0) {
      throw new CimiFailure(404, 'unknown resource')
    }
    if (rest === undefined) {
      switch (exchange.method) {
        case 'GET':
          return find(call, collection, exchange.query)
        case 'PUT':
          return find(call, collection, await parametersOf(exchange))
        case 'POST':
          if (collection.add === undefined) throw wrongMethod(exchange)
          if (!may(call, collection.acl, 'edit')) throw forbidden()
          return collection.add(call, await readBody(call, collection))
        case 'DELETE':
          return removeMany(call, collection)
        default:
          throw wrongMethod(exchange)
      }
    }
    const document = collection.find === undefined ? store.get(`${name}/${rest}`) : collection.find(rest)
    if (document === undefined) throw notFound(`${name}/${rest}`)
    if (action !== undefined) return act(call, collection, document, action)
    switch (exchange.method) {
      case 'GET': {
        if (!may(call, document['acl'], 'view')) throw forbidden(document.id)
        const select = readSelect(exchange.query, dialect.prefix)
        return { status: 200, body: shown(call, collection, document, select) }
      }
      case 'PUT':
        return edit(call, collection, document)
      case 'DELETE':
        return remove(call, collection, document)
      default:
        throw wrongMethod(exchange)
    }
  }

  return {
    prefix: '/api',
    async handle(exchange) {
      try {
        const { status, body, headers } = await answer({ exchange, identity: identityOf(exchange) })
        exchange.send(status, { 'Content-Type': 'application/json', ...headers }, asciiJson(body))
      } catch (error) {
        if (!(error instanceof CimiFailure)) throw error
        const body = statusBody(error.status, error.message, error.resourceId)
        exchange.send(error.status, { 'Content-Type': 'application/json' }, asciiJson(body))
      }
    },
  }
}

function wrongMethod({ method, path }: Exchange): CimiFailure {
  return new CimiFailure(405, `invalid method (${method.toLowerCase()}) for ${path}`)
}

async function isEmpty(exchange: Exchange): Promise<boolean> {
  return (await exchange.body()).length === 0
}

async function readBody(call: Call, collection: Collection): Promise<Fields> {
  const { exchange } = call
  // The whole value: with a charset behind it, it is not this type (slipstream dossier 2.1).
  if (collection.readForm === undefined || exchange.headers['content-type'] !== FORM) return json(call)
  return collection.readForm(new URLSearchParams((await exchange.body()).toString('utf8')))
}

async function json({ exchange }: Call): Promise<Fields> {
  const type = exchange.headers['content-type'] ?? 'application/json'
  const fields = /^application\/json\b/i.test(type)
    ? parseFields((await exchange.body()).toString('utf8'))
    : undefined
  if (fields === undefined) throw new CimiFailure(400, 'invalid request')
  return fields
}

/** Of a search: what the query says, and what the form says after it. */
async function parametersOf(exchange: Exchange): Promise<URLSearchParams> {
  const type = exchange.headers['content-type'] ?? ''
  if (!type.startsWith(FORM)) return exchange.query
  const form = new URLSearchParams((await exchange.body()).toString('utf8'))
  return new URLSearchParams([...exchange.query, ...form])
}

/** Where the server believes it is (slipstream dossier 1). */
function baseOf(exchange: Exchange): string {
  const header = (name: string): string | undefined => {
    const value = exchange.headers[name]
    return typeof value === 'string' && value !== '' ? value : undefined
  }
  const forwarded = header('x-forwarded-host')
  const port = header('x-forwarded-port')
  const host =
    forwarded === undefined ? header('host') : `${forwarded}${port === undefined ? '' : `:${port}`}`
  return host === undefined ? exchange.origin : `${header('x-forwarded-proto') ?? 'http'}://${host}`
}

function decoded(segment: string): string {
  try {
    return decodeURIComponent(segment)
  } catch {
    return segment
  }
}

function stateOf(document: Document): string {
  return typeof document['state'] === 'string' ? document['state'] : 'unknown'
}

function withoutGaps(fields: Fields): Fields {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined))
}
