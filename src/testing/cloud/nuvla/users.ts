import type { Chance } from '../chance.js'
import type { DocumentStore } from '../slipstream/cimi/store.js'
import { ADMINISTRATORS, ANYBODY, ownedBy, readableBy, USERS } from './dialect.js'

/** Somebody who can sign in. */
export interface NuvlaUser {
  /** `user/<uuid>` */
  readonly id: string
  readonly username: string
  readonly password: string
  readonly groups: readonly string[]
  readonly privileged: boolean
  /** Whether he has paid: without it nothing can be started. */
  readonly subscribed: boolean
  /** The code that is asked for after the password; undefined: none is. */
  readonly code: string | undefined
}

export interface NuvlaUsers {
  readonly user: NuvlaUser
  /** Signs in with a code after the password. */
  readonly twoFactorUser: NuvlaUser & { readonly code: string }
  readonly unsubscribedUser: NuvlaUser
  readonly privilegedUser: NuvlaUser
  byName(username: string): NuvlaUser | undefined
  byId(id: string): NuvlaUser | undefined
}

export const GROUP = 'group/skystream'

export function createUsers(store: DocumentStore, chance: Chance): NuvlaUsers {
  const make = <Code extends string | undefined>(name: string, more: Partial<NuvlaUser>, code: Code) => ({
    id: `user/${chance.uuid()}`,
    username: `${name}@example.org`,
    password: `S3cret-of-${name}!`,
    groups: [],
    privileged: false,
    subscribed: true,
    ...more,
    code,
  })
  const user = make('jane', { groups: [GROUP] }, undefined)
  const twoFactorUser = make('bob', { groups: [GROUP] }, '314159')
  const unsubscribedUser = make('eve', { subscribed: false }, undefined)
  const privilegedUser = make('super', { privileged: true }, undefined)
  const all: readonly NuvlaUser[] = [user, twoFactorUser, unsubscribedUser, privilegedUser]
  for (const { id, username } of all) {
    store.add('user', { id, name: username, state: 'ACTIVE', acl: ownedBy(id) })
  }
  const members = all.flatMap(({ id, groups }) => (groups.includes(GROUP) ? [id] : []))
  store.add('group', { id: GROUP, name: 'skystream', users: members, acl: readableBy(...members) })
  return {
    user,
    twoFactorUser,
    unsubscribedUser,
    privilegedUser,
    byName: (username) => all.find((candidate) => candidate.username === username),
    byId: (id) => all.find((candidate) => candidate.id === id),
  }
}

/** What a user may say that he is, the session aside. */
export function claimsOf(user: NuvlaUser): readonly string[] {
  return [...(user.privileged ? [ADMINISTRATORS] : []), USERS, ANYBODY, user.id, ...user.groups]
}
