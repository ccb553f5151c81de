import { badRequest, forbidden, notFound } from './failure.js'
import { withoutTilde } from './metadata.js'
import { containerOf, latest, type Account, type Container, type Sharing, type State } from './state.js'

export type Access = 'read' | 'write'

/** The sharing that applies to a path, and the path that it is set on. */
export interface EffectiveSharing {
  readonly sharing: Sharing
  readonly from: string
}

const DIRECTORY_TYPES = ['application/directory', 'application/folder']

/** `read=u1,acct:group;write=u2`; an empty text removes the sharing (pithos dossier 7.4). */
export function parseSharing(text: string): Sharing | undefined {
  const plain = withoutTilde(text).toLowerCase().replaceAll(/\s/g, '')
  if (plain === '') return undefined
  const lists = { read: [] as string[], write: [] as string[] }
  for (const part of plain.split(';')) {
    const [, access, list] = /^(read|write)=(.+)$/.exec(part) ?? []
    const members = list?.split(',').filter((member) => member !== '') ?? []
    if ((access !== 'read' && access !== 'write') || members.length === 0) {
      throw badRequest('Bad X-Object-Sharing header value')
    }
    lists[access].push(...members)
  }
  const write = [...new Set(lists.write)]
  return { read: [...new Set(lists.read)].filter((member) => !write.includes(member)), write }
}

export function formatSharing({ read, write }: Sharing): string {
  const lists = [
    ['read', read],
    ['write', write],
  ] as const
  return lists
    .filter(([, members]) => members.length > 0)
    .map(([access, members]) => `${access}=${members.join(',')}`)
    .join('; ')
}

/** The sharing of the path itself, otherwise that of the nearest directory object above it. */
export function effectiveSharing(container: Container, name: string): EffectiveSharing | undefined {
  const own = container.objects.get(name)?.sharing
  if (own) return { sharing: own, from: name }
  for (let slash = name.lastIndexOf('/'); slash > 0; slash = name.lastIndexOf('/', slash - 1)) {
    for (const from of [name.slice(0, slash + 1), name.slice(0, slash)]) {
      const above = container.objects.get(from)
      if (above?.sharing && isDirectory(latest(above)?.type)) {
        return { sharing: above.sharing, from }
      }
    }
  }
  return undefined
}

/** What a user may do with a path of somebody else's container. */
export function accessTo(
  state: State,
  userId: string,
  container: Container,
  name: string,
): Access | undefined {
  const effective = effectiveSharing(container, name)
  if (!effective) return undefined
  const { read, write } = effective.sharing
  if (includesUser(state, write, userId)) return 'write'
  return includesUser(state, read, userId) ? 'read' : undefined
}

/** Whether anything in a container is shared with a user. */
export function isSharedWith(state: State, userId: string, container: Container): boolean {
  for (const { sharing } of container.objects.values()) {
    if (sharing && includesUser(state, [...sharing.read, ...sharing.write], userId)) return true
  }
  return false
}

/** Names of the containers of an account in which something is shared with a user. */
export function containersSharedWith(state: State, userId: string, account: Account): readonly string[] {
  return [...account.containers.values()]
    .filter((container) => isSharedWith(state, userId, container))
    .map(({ name }) => name)
}

/** The container that holds a path which the user may read; others learn nothing but 403 of the rest. */
export function readableContainer(
  state: State,
  userId: string,
  accountId: string,
  name: string,
  object: string,
): Container {
  return permittedContainer(state, userId, accountId, name, object, ['read', 'write'])
}

export function writableContainer(
  state: State,
  userId: string,
  accountId: string,
  name: string,
  object: string,
): Container {
  return permittedContainer(state, userId, accountId, name, object, ['write'])
}

export function ownContainer(state: State, userId: string, accountId: string, name: string): Container {
  if (userId !== accountId) throw forbidden()
  return containerOf(state.accounts.get(accountId), name)
}

function permittedContainer(
  state: State,
  userId: string,
  accountId: string,
  name: string,
  object: string,
  enough: readonly Access[],
): Container {
  const container = state.accounts.get(accountId)?.containers.get(name)
  if (userId === accountId) {
    if (!container) throw notFound('Container does not exist')
    return container
  }
  const access = container && accessTo(state, userId, container, object)
  if (!container || !access || !enough.includes(access)) throw forbidden()
  return container
}

function isDirectory(type: string | undefined): boolean {
  return DIRECTORY_TYPES.includes(type?.split(';', 1)[0]?.trim() ?? '')
}

function includesUser(state: State, members: readonly string[], userId: string): boolean {
  return members.some((member) => {
    if (member === '*' || member === userId) return true
    const [account = '', group] = member.split(':', 2)
    if (group === undefined) return false
    return state.accounts.get(account)?.groups.get(group)?.includes(userId) === true
  })
}
