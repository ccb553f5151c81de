import { concatMap, from, map, of, type Observable } from 'rxjs'
import { call, type Api } from '../../http/api.js'
import type { CallOptions } from '../../http/types.js'
import { changedUser, type UserChanges, type UserSpec } from './user-changes.js'
import { checkChanges, checkSpec } from './user-checks.js'
import type { User, UserItem } from './user-documents.js'
import {
  createUser,
  getUser,
  getUserDocument,
  listUsers,
  overwriteUser,
  updateUser,
} from './user-operations.js'
import { attribute, type XmlElement } from './xml-values.js'

export interface UserCreation {
  /** Replaces a user of that name. Default false: that is an error. */
  readonly overwrite?: boolean
}

/** Users (slipstream dossier 4.4). All methods are cold. */
export interface Users {
  /** Emits each user. One request, for privileged users: `PermissionError` for all others. */
  list(options?: CallOptions): Observable<UserItem>
  /**
   * Emits a user with the settings of the profile. `PermissionError` for all but the user, privileged users and those who
   * manage the organization.
   *
   * @param name - default: who is logged in
   */
  get(name?: string, options?: CallOptions): Observable<User>
  /** Creates a user and completes. `PermissionError` if there is one of that name already, unless it may be overwritten. */
  create(user: UserSpec, creation?: UserCreation, options?: CallOptions): Observable<void>
  /**
   * Changes a user and completes. Reads the document and writes it back; the options hold for each request.
   *
   * @param name - `undefined`: who is logged in
   */
  update(name: string | undefined, changes: UserChanges, options?: CallOptions): Observable<void>
}

/** Who is logged in. */
export interface LoggedIn {
  username(options?: CallOptions): Observable<string>
}

export function createUsers(api: Api, session: LoggedIn): Users {
  const named = (name: string | undefined, options: CallOptions | undefined): Observable<string> =>
    name === undefined ? session.username(options) : of(checkName(name))

  // Only who is privileged may write roles back (dossier 4.4): asked for only where there are some.
  const mayKeepRoles = (
    name: string,
    document: XmlElement,
    changes: UserChanges,
    options: CallOptions | undefined,
  ): Observable<boolean> => {
    if (changes.roles !== undefined || (attribute(document, 'roles') ?? '') === '') return of(false)
    return session.username(options).pipe(
      concatMap((own) => (own === name ? of(document) : call(api, getUserDocument, { name: own }, options))),
      map((own) => attribute(own, 'issuper') === 'true'),
    )
  }

  return {
    list: (options) => call(api, listUsers, undefined, options).pipe(concatMap((users) => from(users))),
    get: (name, options) =>
      name === undefined
        ? session.username(options).pipe(concatMap((own) => call(api, getUser, { name: own }, options)))
        : call(api, getUser, { name: checkName(name) }, options),
    create: (user, { overwrite = false } = {}, options) => {
      checkSpec(user)
      checkName(user.name, 'user.name')
      return call(api, overwrite ? overwriteUser : createUser, user, options)
    },
    update: (name, changes, options) => {
      checkChanges(changes, 'changes')
      return named(name, options).pipe(
        concatMap((user) =>
          call(api, getUserDocument, { name: user }, options).pipe(
            concatMap((document) =>
              mayKeepRoles(user, document, changes, options).pipe(
                map((keep) => changedUser(document, changes, keep)),
              ),
            ),
            concatMap((document) => call(api, updateUser, { name: user, document, changes }, options)),
          ),
        ),
      )
    },
  }
}

function checkName(name: unknown, argument = 'name'): string {
  if (typeof name === 'string' && !/^\.{0,2}$|\//.test(name)) return name
  throw new TypeError(`${argument}: expected the name of a user`)
}
