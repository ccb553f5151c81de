import { checkModification } from './conditions.js'
import { httpDate, isoDate } from './dates.js'
import { badRequest, forbidden } from './failure.js'
import { listFlat, sortNames } from './listing.js'
import { headersBelow, mergeMeta, metaFromHeaders } from './metadata.js'
import { reply, replyListing, type Headers } from './reply.js'
import { hasFlag, untilOf, type Request } from './request.js'
import { containersSharedWith, effectiveSharing } from './sharing.js'
import {
  accountBytes,
  accountOf,
  latest,
  totalsBefore,
  type Account,
  type Container,
  type State,
} from './state.js'
import { element, fields } from './xml.js'

const MAX_GROUPS = 32
const MAX_MEMBERS = 32

export function headAccount(state: State, request: Request, id: string): void {
  const { headers, modified } = describeAccount(state, request, id)
  checkModification(request.headers, modified)
  reply(request.exchange, 204, headers)
}

/** The containers of an account; of somebody else's, those in which something is shared with the sender. */
export function listContainers(state: State, request: Request, id: string): void {
  const { account, headers, modified } = describeAccount(state, request, id)
  checkModification(request.headers, modified)
  const { query, user } = request
  const own = user.id === id
  const shared = hasFlag(request, 'shared')
  const publics = hasFlag(request, 'public')
  if (publics && !own) throw forbidden()
  const until = untilOf(request)
  const visible = own ? account.containers.keys() : containersSharedWith(state, user.id, account)
  const { names, items } = listFlat(
    sortNames(visible),
    (name) => {
      const container = account.containers.get(name)
      if (!container || (until !== undefined && container.created >= until)) return undefined
      if (own && (shared || publics) && !holds(container, shared, publics)) return undefined
      return own ? describeContainer(container, until) : strangersView(container)
    },
    query,
    state.limits.listing,
  )
  replyListing(request, {
    names,
    json: items,
    xml: () =>
      element('account', items.map((item) => element('container', fields(item))).join(''), { name: id }),
    headers,
  })
}

export function updateAccount(state: State, request: Request, id: string): void {
  const meta = metaFromHeaders(request.headers, 'Account')
  const groups = groupsFromHeaders(state, request.headers)
  if (request.user.id !== id) throw forbidden()
  const account = accountOf(state, id)
  const update = hasFlag(request, 'update')
  const mergedMeta = mergeMeta(account.meta, meta, update)
  const mergedGroups = mergeGroups(account.groups, groups, update)
  account.meta = mergedMeta
  account.groups = mergedGroups
  account.modified = state.now()
  reply(request.exchange, 202)
}

interface Described {
  readonly account: Account
  readonly headers: Headers
  readonly modified: number
}

function describeAccount(state: State, request: Request, id: string): Described {
  const until = untilOf(request)
  if (request.user.id !== id) {
    const account = state.accounts.get(id)
    if (
      until !== undefined ||
      !account ||
      containersSharedWith(state, request.user.id, account).length === 0
    ) {
      throw forbidden()
    }
    const modified = account.modified
    return { account, modified, headers: new Map([['Last-Modified', httpDate(modified)]]) }
  }
  const account = accountOf(state, id)
  const containers = [...account.containers.values()].filter(
    ({ created }) => until === undefined || created < until,
  )
  const bytes =
    until === undefined
      ? accountBytes(account)
      : containers.reduce((sum, container) => sum + totalsBefore(container, until).bytes, 0)
  const quotas = [...state.diskspace.limits(id)]
  const headers = new Map([
    ['X-Account-Container-Count', String(containers.length)],
    ['X-Account-Bytes-Used', String(bytes)],
    ['X-Account-Policy-Quota', String(quotas.reduce((sum, [, quota]) => sum + quota, 0))],
  ])
  for (const [project, quota] of quotas) headers.set(`X-Account-Policy-Quota-${project}`, String(quota))
  for (const [group, members] of account.groups) headers.set(`X-Account-Group-${group}`, members.join(','))
  for (const [key, value] of account.meta) headers.set(`X-Account-Meta-${key}`, value)
  if (until !== undefined) headers.set('X-Account-Until-Timestamp', httpDate(until))
  headers.set('Last-Modified', httpDate(account.modified))
  return { account, headers, modified: account.modified }
}

function describeContainer(container: Container, until: number | undefined): Record<string, unknown> {
  const { count, bytes } = until === undefined ? container : totalsBefore(container, until)
  const { quota, versioning, project } = container.policy
  return {
    name: container.name,
    count,
    bytes,
    last_modified: isoDate(container.modified),
    // The server writes the default as text and a quota that was set as a number.
    x_container_policy: { quota: quota === 0 ? '0' : quota, versioning, project },
    ...(until !== undefined && { x_container_until_timestamp: isoDate(until) }),
  }
}

function strangersView(container: Container): Record<string, unknown> {
  return { name: container.name, last_modified: isoDate(container.modified) }
}

function holds(container: Container, shared: boolean, published: boolean): boolean {
  for (const object of container.objects.values()) {
    if (!latest(object)) continue
    if (published && object.publicId !== undefined) return true
    if (shared && effectiveSharing(container, object.name)) return true
  }
  return false
}

function groupsFromHeaders(
  state: State,
  headers: ReadonlyMap<string, string>,
): ReadonlyMap<string, readonly string[]> {
  const groups = new Map<string, readonly string[]>()
  for (const [header, value] of headersBelow(headers, 'X-Account-Group-')) {
    const name = header.toLowerCase()
    if (/[-_]/.test(name)) throw badRequest('Bad group name')
    const members = value
      .replaceAll(/\s/g, '')
      .split(',')
      .filter((member) => member !== '')
    if (members.length > MAX_MEMBERS) throw badRequest('Group has too many members')
    if (members.some((member) => !state.users.byId(member))) throw badRequest('Unknown group member')
    groups.set(name, [...new Set(members)])
  }
  return groups
}

function mergeGroups(
  old: Account['groups'],
  changes: ReadonlyMap<string, readonly string[]>,
  update: boolean,
): Account['groups'] {
  const merged = new Map(update || changes.size === 0 ? old : [])
  for (const [name, members] of changes) {
    if (members.length === 0) merged.delete(name)
    else merged.set(name, members)
  }
  if (merged.size > MAX_GROUPS) throw badRequest('Too many groups')
  return merged
}
