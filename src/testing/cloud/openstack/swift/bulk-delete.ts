import { dropContainer } from './containers.js'
import { SwiftFailure, statusLine } from './failure.js'
import type { SwiftInfo } from './info.js'
import { dropObject } from './object-delete.js'
import { reportType, sendReport, type Report } from './report.js'
import {
  contentLength,
  decodePath,
  isChunked,
  quote,
  type ObjectPlace,
  type ContainerPlace,
  type SwiftRequest,
} from './request.js'

type Limits = NonNullable<SwiftInfo['bulk_delete']>

const LONGEST_LINE = 2 * (256 + 1 + 1024)

/** `?bulk-delete`: one name in each line of the body. The status is 200 whatever comes of it. */
export async function bulkDelete(request: SwiftRequest, account: string, limits: Limits): Promise<void> {
  sendReport(request, await deleteListed(request, account, limits))
}

async function deleteListed(request: SwiftRequest, account: string, limits: Limits): Promise<Report> {
  if (reportType(request) === undefined) return refusal(406, '')
  const type = request.headers.get('Content-Type') ?? 'text/plain'
  if (type.split(';', 1)[0] !== 'text/plain') return refusal(406, '')
  if (contentLength(request) === undefined && !isChunked(request)) return refusal(411, '')
  const names: string[] = []
  for await (const line of readLines(request.exchange.chunks())) {
    if (line.length > LONGEST_LINE) return refusal(400, 'Invalid File Name')
    const name = line.trim()
    if (name === '') continue
    const most = limits.max_deletes_per_request
    if (names.length >= most) return refusal(413, `Maximum Bulk Deletes: ${String(most)} per request`)
    names.push(name)
  }
  if (names.length === 0) return refusal(400, 'Invalid bulk delete.')
  return deleteMany(
    request,
    names.map((name) => placeOf(account, name)),
    limits.max_failed_deletes,
  )
}

/** A place, or the name of what cannot be one. */
type Target = ContainerPlace | ObjectPlace | { readonly unreadable: string }

export function deleteMany(request: SwiftRequest, targets: readonly Target[], mostErrors = Infinity): Report {
  const errors: (readonly [string, string])[] = []
  let deleted = 0
  let notFound = 0
  for (const target of targets) {
    if (errors.length >= mostErrors) {
      return { status: statusLine(400), text: '', deleted, notFound, errors }
    }
    const status = 'unreadable' in target ? 412 : deleteOne(request, target)
    if (status === 204) deleted += 1
    else if (status === 404) notFound += 1
    else errors.push([nameOf(target), statusLine(status)])
  }
  return { status: statusLine(errors.length === 0 ? 200 : 400), text: '', deleted, notFound, errors }
}

function deleteOne(request: SwiftRequest, place: ContainerPlace | ObjectPlace): number {
  try {
    if (place.object === undefined) {
      request.demand('own', place)
      dropContainer(request, place)
    } else {
      request.demand('write', place)
      dropObject(request, { ...place, object: place.object })
    }
    return 204
  } catch (error) {
    if (!(error instanceof SwiftFailure)) throw error
    return error.status
  }
}

function placeOf(account: string, name: string): Target {
  try {
    const [container = '', ...rest] = decodePath(name).replace(/^\//, '').split('/')
    const object = rest.join('/')
    return object === '' ? { account, container } : { account, container, object }
  } catch {
    return { unreadable: name }
  }
}

function nameOf(target: Target): string {
  if ('unreadable' in target) return escapeBytes(target.unreadable)
  const { container, object } = target
  return quote(object === undefined ? container : `${container}/${object}`)
}

/** One letter for each byte. */
function escapeBytes(name: string): string {
  return name.replace(
    /[^!-~]/g,
    (byte) => `%${byte.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`,
  )
}

function refusal(status: number, text: string): Report {
  return { status: statusLine(status), text, deleted: 0, notFound: 0, errors: [] }
}

/** Lines as Latin-1: they are percent-decoded later. A line that never ends is given out when it is too long. */
async function* readLines(chunks: AsyncIterable<Buffer>): AsyncGenerator<string, void, undefined> {
  let rest = ''
  for await (const chunk of chunks) {
    const lines = (rest + chunk.toString('latin1')).split('\n')
    rest = lines.pop() ?? ''
    yield* lines
    if (rest.length > LONGEST_LINE) break
  }
  yield rest
}
