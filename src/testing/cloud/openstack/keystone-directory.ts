import type { Chance } from '../chance.js'
import { badRequest, KeystoneFailure, unauthorized } from './keystone-failure.js'

export interface Named {
  readonly id: string
  readonly name: string
}

/** Who there is: one user, two projects that he is in, all of one domain. */
export interface Directory {
  readonly domain: Named
  readonly user: Named
  readonly password: string
  readonly projects: readonly [Named, Named]
  readonly roles: readonly Named[]
  readonly applicationCredential: Named & { readonly secret: string; readonly project: Named }
}

export function createDirectory(chance: Chance): Directory {
  const named = (name: string): Named => ({ id: chance.hex(32), name })
  const projects = [named('demo'), named('archive')] as const
  return {
    domain: { id: 'default', name: 'Default' },
    user: named('demo'),
    password: chance.hex(24),
    projects: [...projects],
    roles: [named('member'), named('reader')],
    applicationCredential: {
      ...named('automation'),
      secret: chance.bytes(64).toString('base64url'),
      project: projects[0],
    },
  }
}

/** A part of a request's body, of which nothing is known. */
export type Fields = Readonly<Record<string, unknown>>

export function fieldsOf(value: unknown): Fields | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : undefined
}

/** Checks that the fields name the user; by his name only together with his domain. */
export function checkUser(directory: Directory, fields: Fields, where: string): void {
  const { user } = directory
  if (fields['id'] === undefined && fields['name'] === undefined) {
    throw new KeystoneFailure(400, `Invalid input for field ${where}: id or name must be present.`)
  }
  if (fields['id'] !== undefined) {
    if (fields['id'] !== user.id) throw unauthorized()
    return
  }
  const domain = fieldsOf(fields['domain'])
  if (domain === undefined) throw badRequest('domain in user')
  if (fields['name'] !== user.name || !isDomain(directory, domain)) throw unauthorized()
}

/** The project that a scope names; undefined when it asks for none. */
export function scopedProject(directory: Directory, scope: unknown): Named | undefined {
  if (scope === undefined || scope === null || scope === 'unscoped') return undefined
  const project = fieldsOf(fieldsOf(scope)?.['project'])
  if (project === undefined) throw unauthorized()
  const domain = fieldsOf(project['domain'])
  const found = directory.projects.find(({ id, name }) =>
    project['id'] === undefined
      ? project['name'] === name && domain !== undefined && isDomain(directory, domain)
      : project['id'] === id,
  )
  if (found === undefined) throw unauthorized()
  return found
}

function isDomain({ domain }: Directory, fields: Fields): boolean {
  return fields['id'] === undefined ? fields['name'] === domain.name : fields['id'] === domain.id
}
