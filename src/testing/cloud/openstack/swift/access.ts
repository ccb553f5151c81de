import { SwiftFailure } from './failure.js'
import type { Act, Place } from './request.js'
import { findContainer, type HeaderMap, type Principal, type Region } from './state.js'

/** An access list as Swift keeps it: entries tidied, `.referrer:` written `.r:`. Refuses what makes no sense. */
export function tidyAccessList(header: string, list: string): string {
  const entries = list
    .split(',')
    .map((entry) => entry.trim())
    .filter((entry) => entry !== '')
  return entries
    .map((entry) => {
      const [, kind, host] = /^\.(r|ref|referer|referrer)\s*:\s*(.*)$/.exec(entry) ?? []
      if (kind === undefined || host === undefined) return entry
      if (header.endsWith('Write')) {
        throw new SwiftFailure(400, `Referrers not allowed in write ACL: '${entry}'`)
      }
      const bare = host.replace(/^-?\s*\*?\.?/, '')
      if (bare === '' && host !== '*')
        throw new SwiftFailure(400, `No host/domain value after referrer designation in ACL: '${entry}'`)
      return `.r:${host}`
    })
    .join(',')
}

/** Whether a container lets a sender in who does not own its account. */
export function isAllowed(
  act: Exclude<Act, 'own'>,
  container: HeaderMap,
  principal: Principal | undefined,
  referrer: string | undefined,
): boolean {
  const list = container.get(act === 'write' ? 'X-Container-Write' : 'X-Container-Read') ?? ''
  const entries = list.split(',').filter((entry) => entry !== '')
  if (principal !== undefined && entries.some((entry) => principal.matches(entry))) return true
  if (act === 'write' || !isReferrerAllowed(entries, referrer)) return false
  return act === 'read' || entries.includes('.rlistings')
}

/** The last entry that fits decides. */
function isReferrerAllowed(entries: readonly string[], referrer: string | undefined): boolean {
  const host = hostOf(referrer)
  let allowed = false
  for (const entry of entries) {
    if (!entry.startsWith('.r:')) continue
    const negative = entry.startsWith('.r:-')
    const pattern = entry.slice(negative ? 4 : 3).replace(/^\*(?=\.)/, '')
    if (pattern === '*' || pattern === host || (pattern.startsWith('.') && host.endsWith(pattern))) {
      allowed = !negative
    }
  }
  return allowed
}

function hostOf(referrer: string | undefined): string {
  return referrer !== undefined && URL.canParse(referrer) ? new URL(referrer).hostname : 'unknown'
}

/** What the sender of a request may do, in his own account and in others. */
export function permissionOf(
  region: Region,
  principal: Principal | undefined,
  referrer: string | undefined,
): (act: Act, place: Place) => boolean {
  return (act, { account, container }) => {
    if (principal?.owns === account) return true
    if (act === 'own') return false
    const found = container === undefined ? undefined : findContainer(region, account, container)
    return found !== undefined && isAllowed(act, found.headers, principal, referrer)
  }
}
