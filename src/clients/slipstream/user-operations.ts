import { nothing, query, segment } from '../../http/codecs.js'
import type { Operation } from '../../http/types.js'
import { xmlText, type XmlTree } from '../../http/xml-text.js'
import { newUser, secretsOf, type UserChanges, type UserSpec } from './user-changes.js'
import { readUser, readUsers, type User, type UserItem } from './user-documents.js'
import { acceptXml, required, xmlDocument, type XmlElement } from './xml-values.js'

// Slipstream dossier 4.4.

export interface UserArguments {
  readonly name: string
}

export const listUsers: Operation<void, readonly UserItem[]> = {
  id: 'slipstream.users.list',
  method: 'GET',
  path: '/users',
  success: [200],
  encode: () => ({ path: '/users', headers: acceptXml }),
  decode: xmlDocument(['list'], readUsers),
}

function reading<T>(read: (root: XmlElement) => T): Operation<UserArguments, T> {
  return {
    id: 'slipstream.users.get',
    method: 'GET',
    path: '/user/{name}',
    success: [200],
    encode: ({ name }) => ({ path: `/user/${segment(name)}`, headers: acceptXml }),
    decode: xmlDocument(['user'], read),
  }
}
export const getUser: Operation<UserArguments, User> = reading(readUser)
/** The whole document, to be changed and sent back. */
export const getUserDocument: Operation<UserArguments, XmlElement> = reading((root) => {
  required(root, 'name')
  return root
})

// Sent again after an ambiguous failure, the first would be told that the user exists.
export const createUser: Operation<UserSpec, void> = creating(false)
export const overwriteUser: Operation<UserSpec, void> = creating(true)

function creating(overwrite: boolean): Operation<UserSpec, void> {
  return {
    id: 'slipstream.users.create',
    method: 'PUT',
    path: '/user/{name}',
    success: [200, 201, 202],
    idempotent: overwrite,
    encode: (spec) => ({
      ...put(spec.name, newUser(spec), spec),
      ...(overwrite ? {} : { query: query({ new: 'true' }) }),
    }),
    decode: nothing,
  }
}

export interface UserUpdate extends UserArguments {
  readonly document: XmlTree
  readonly changes: UserChanges
}
export const updateUser: Operation<UserUpdate, void> = {
  id: 'slipstream.users.update',
  method: 'PUT',
  path: '/user/{name}',
  success: [200, 201, 202],
  encode: ({ name, document, changes }) => put(name, document, changes),
  decode: nothing,
}

function put(name: string, document: XmlTree, changes: UserChanges): ReturnType<typeof updateUser.encode> {
  return {
    path: `/user/${segment(name)}`,
    headers: { ...acceptXml, 'content-type': 'application/xml' },
    body: xmlText(document),
    secrets: secretsOf(changes),
  }
}
