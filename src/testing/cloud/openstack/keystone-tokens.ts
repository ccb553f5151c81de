import type { Chance } from '../chance.js'
import type { Catalogue } from './catalogue.js'
import {
  checkUser,
  fieldsOf,
  scopedProject,
  type Directory,
  type Fields,
  type Named,
} from './keystone-directory.js'
import { badRequest, KeystoneFailure, unauthorized } from './keystone-failure.js'
import { createTokenBook } from './tokens.js'

export interface KeystoneToken {
  readonly methods: readonly string[]
  /** Of this token, and of the one that it was made from. */
  readonly auditIds: readonly string[]
  /** Absent: the token is not for any project. */
  readonly project?: Named
  readonly byApplicationCredential: boolean
  /** Wall time, ms since the epoch. */
  readonly issued: number
  readonly expires: number
}

export interface KeystoneTokens {
  /** Signs in with the `auth` of a request's body. */
  readonly issue: (auth: Fields) => { readonly id: string; readonly token: KeystoneToken }
  /** Undefined: dead, or never alive. */
  readonly find: (id: string) => KeystoneToken | undefined
  readonly revoke: (id: string) => void
  readonly revokeAll: () => void
}

/** All tokens begin like this, as Fernet tokens do. */
const START = 'gAAAAAB'

export function createKeystoneTokens(options: {
  readonly directory: Directory
  readonly chance: Chance
  readonly wallNow: () => number
  readonly lifetimeMs: number
}): KeystoneTokens {
  const { directory, chance, wallNow, lifetimeMs } = options
  const book = createTokenBook<KeystoneToken>(wallNow)

  const make = (
    given: Pick<KeystoneToken, 'methods' | 'byApplicationCredential'> & {
      readonly project: Named | undefined
      readonly parent?: KeystoneToken
    },
  ): { id: string; token: KeystoneToken } => {
    const { methods, byApplicationCredential, project, parent } = given
    const issued = wallNow()
    const id = `${START}${chance.bytes(132).toString('base64url')}`
    const token: KeystoneToken = {
      methods,
      auditIds: [chance.bytes(16).toString('base64url'), ...(parent?.auditIds.slice(0, 1) ?? [])],
      byApplicationCredential,
      issued,
      // A token from a token does not live longer than that.
      expires: parent?.expires ?? issued + lifetimeMs,
      ...(project === undefined ? {} : { project }),
    }
    book.add(id, token, token.expires)
    return { id, token }
  }

  const byPassword = (identity: Fields, scope: unknown): ReturnType<typeof make> => {
    const user = fieldsOf(fieldsOf(identity['password'])?.['user'])
    if (user === undefined) throw badRequest('user in password')
    checkUser(directory, user, 'identity/password/user')
    if (user['password'] !== directory.password) throw unauthorized()
    const project = scopedProject(directory, scope)
    return make({ methods: ['password'], byApplicationCredential: false, project })
  }

  const byToken = (identity: Fields, scope: unknown): ReturnType<typeof make> => {
    const id = fieldsOf(identity['token'])?.['id']
    if (typeof id !== 'string') throw badRequest('id in token')
    const parent = book.get(id)
    if (parent === undefined) throw deadToken(id)
    if (parent.byApplicationCredential) {
      const action = 'Using a delegated token to create another token is not allowed.'
      throw new KeystoneFailure(403, `You are not authorized to perform the requested action: ${action}.`)
    }
    const methods = [...new Set([...parent.methods, 'token'])]
    return make({
      methods,
      byApplicationCredential: false,
      project: scopedProject(directory, scope) ?? parent.project,
      parent,
    })
  }

  const byApplicationCredential = (identity: Fields, scope: unknown): ReturnType<typeof make> => {
    const given = fieldsOf(identity['application_credential']) ?? {}
    const { id, name, secret, project } = directory.applicationCredential
    if (given['id'] === undefined) {
      const user = fieldsOf(given['user'])
      if (user === undefined) throw badRequest('user in application credential')
      checkUser(directory, user, 'identity/application_credential/user')
    }
    if (given['id'] === undefined ? given['name'] !== name : given['id'] !== id) {
      const wanted = String(given['id'] ?? given['name'])
      throw new KeystoneFailure(404, `Could not find Application Credential: ${wanted}.`)
    }
    if (given['secret'] !== secret) throw unauthorized()
    if (scope !== undefined) {
      const problem = 'Application credentials cannot request a scope.'
      throw new KeystoneFailure(401, `Error authenticating with application credential: ${problem}`)
    }
    return make({ methods: ['application_credential'], byApplicationCredential: true, project })
  }

  return {
    issue(auth) {
      const identity = fieldsOf(auth['identity'])
      if (identity === undefined) throw new KeystoneFailure(400, "'identity' is a required property")
      const methods: unknown = identity['methods']
      if (!Array.isArray(methods)) throw new KeystoneFailure(400, "'methods' is a required property")
      const [method] = methods as readonly unknown[]
      if (typeof method !== 'string') throw unauthorized()
      if (fieldsOf(identity[method]) === undefined) throw badRequest(`${method} in identity`)
      const scope = auth['scope']
      if (method === 'password') return byPassword(identity, scope)
      if (method === 'token') return byToken(identity, scope)
      if (method === 'application_credential') return byApplicationCredential(identity, scope)
      throw unauthorized()
    },
    find: book.get,
    revoke: book.revoke,
    revokeAll: book.revokeAll,
  }
}

export function deadToken(id: string): KeystoneFailure {
  return new KeystoneFailure(
    404,
    id.startsWith(START) ? 'Failed to validate token' : 'Could not recognize Fernet token',
  )
}

/** The token as its body tells it. */
export function describeToken(
  token: KeystoneToken,
  directory: Directory,
  catalogue: Catalogue | undefined,
  origin: string,
): unknown {
  const { domain, user, roles, applicationCredential } = directory
  const { project } = token
  const { id, name } = applicationCredential
  return {
    methods: token.methods,
    user: { domain, id: user.id, name: user.name, password_expires_at: null },
    audit_ids: token.auditIds,
    expires_at: instant(token.expires),
    issued_at: instant(token.issued),
    ...(project === undefined
      ? {}
      : {
          project: { domain, id: project.id, name: project.name },
          is_domain: false,
          roles,
          catalog: catalogue?.(origin, project.id),
        }),
    application_credential: token.byApplicationCredential ? { id, name, restricted: true } : undefined,
  }
}

function instant(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, -1)}000Z`
}
