import { encodeHeader, refuseTilde } from './names.js'
import type { Sharing } from './schemas.js'

/** What separates the parts of the header, and what the server takes out of it. */
const separators = /[\s,;=]/

/** `read=u1,u2; write=u3` (pithos dossier 7.4). */
export function sharingHeader(sharing: Sharing, argument: string): string {
  const parts = (['read', 'write'] as const).flatMap((kind) => {
    const members = sharing[kind]
    return members === undefined ? [] : [`${kind}=${memberList(members, `${argument}.${kind}`)}`]
  })
  if (parts.length === 0) throw new TypeError(`${argument}: expected whom to share with, as read or write`)
  return encodeHeader(parts.join(';'))
}

/** Users or groups, separated by commas. */
export function memberList(members: readonly string[], argument: string): string {
  if (!Array.isArray(members) || members.length === 0) {
    throw new TypeError(`${argument}: expected a list that is not empty`)
  }
  for (const member of members as readonly unknown[]) {
    if (typeof member !== 'string' || member === '' || separators.test(member)) {
      throw new TypeError(`${argument}: expected the UUIDs of users, groups as <uuid>:<name>, or *`)
    }
    refuseTilde(member, argument)
  }
  return members.join(',')
}

/** Reads the header; parts of no known kind are left out. */
export function sharingOf(value: string | undefined): Sharing | undefined {
  if (value === undefined || value === '') return undefined
  const members = (kind: string): readonly string[] =>
    value
      .split(';')
      .map((part) => part.trim())
      .filter((part) => part.startsWith(`${kind}=`))
      .flatMap((part) => part.slice(kind.length + 1).split(','))
      .map((member) => member.trim())
      .filter((member) => member !== '')
  const read = members('read')
  const write = members('write')
  return { ...(read.length === 0 ? {} : { read }), ...(write.length === 0 ? {} : { write }) }
}
