import type { OutgoingHttpHeaders } from 'node:http'
import {
  chooseType,
  escapeXml,
  listingHeaders,
  replyListing,
  subdirLine,
  xmlFields,
} from './listing-formats.js'
import { readSelection, select } from './listing.js'
import { mergeHeaders } from './metadata.js'
import { asHeaders, reply } from './reply.js'
import type { SwiftRequest } from './request.js'
import { openAccount, usageOf, usageOfAccount, type Account } from './state.js'
import { asEpoch, asIso } from './timestamps.js'

export function headAccount(request: SwiftRequest, name: string): void {
  const account = request.region.accounts.get(name)
  const headers = { ...listingHeaders(request, chooseType(request)), ...headersOf(request, account) }
  // An account that nobody wrote to yet is made up for the answer, with another status (pithos dossier 14.1).
  request.exchange.send(account === undefined ? 200 : 204, headers)
}

export function listContainers(request: SwiftRequest, name: string): void {
  const account = request.region.accounts.get(name)
  const type = chooseType(request)
  const selection = readSelection(request, request.region.info.swift.account_listing_limit)
  const lines = select(account?.containers.sorted() ?? [], (container) => container, selection).map(
    (listed) => {
      if ('subdir' in listed) return subdirLine(listed.subdir)
      const container = account?.containers.get(listed.item)
      const usage = container === undefined ? { count: 0, bytes: 0 } : usageOf(container)
      const json = {
        name: listed.item,
        count: usage.count,
        bytes: usage.bytes,
        last_modified: asIso(container?.created ?? 0),
      }
      return { name: listed.item, json, xml: `<container>${xmlFields(json)}</container>\n` }
    },
  )
  replyListing(request, {
    type,
    lines,
    headers: headersOf(request, account),
    xml: (entries) =>
      `<account name="${escapeXml(name)}">\n${entries.map(({ xml }) => xml).join('')}</account>`,
  })
}

export function postAccount(request: SwiftRequest, name: string): void {
  const { region, headers } = request
  const merged = mergeHeaders(
    region.accounts.get(name)?.headers ?? new Map<string, string>(),
    headers,
    'Account',
    region.info,
  )
  openAccount(region, name).headers = merged
  reply(request.exchange, 204)
}

function headersOf(request: SwiftRequest, account: Account | undefined): OutgoingHttpHeaders {
  const usage = account === undefined ? { count: 0, bytes: 0 } : usageOfAccount(account)
  const containers = account === undefined ? 0 : countContainers(account)
  const time = asEpoch(account?.created ?? request.region.tick())
  const totals = (prefix: string): OutgoingHttpHeaders => ({
    [`${prefix}-Container-Count`]: containers,
    [`${prefix}-Object-Count`]: usage.count,
    [`${prefix}-Bytes-Used`]: usage.bytes,
  })
  return {
    ...totals('X-Account'),
    'X-Timestamp': time,
    ...(account === undefined ? { 'X-Put-Timestamp': time } : { 'Accept-Ranges': 'bytes' }),
    ...(containers > 0 ? totals('X-Account-Storage-Policy-Policy-0') : {}),
    ...(account === undefined ? {} : asHeaders(account.headers)),
  }
}

/** Older versions lie in a hidden container beside the one that one sees, and it counts. */
function countContainers({ containers }: Account): number {
  const hidden = [...containers.values()].filter(({ versioning }) => versioning !== undefined).length
  return containers.size + hidden
}
