import { dropContainer } from './containers.js'
import { SwiftFailure, statusLine } from './failure.js'
import type { SwiftInfo } from './info.js'
import { dropObject } from './object-delete.js'
import { reportType, sendReport, type Report } from './report.js'
import { contentLength, decodePath, isChunked, quote, type Place, type SwiftRequest } from './request.js'
import { removeVersion } from './versions.js'

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
    names.map((name) => targetOf(account, name)),
    limits.max_failed_deletes,
  )
}

/** A place to delete, or why that is out of the question; with its name for the report, percent-encoded. */
export type Target =
  { readonly name: string; readonly place: Place; readonly versionId?: string | undefined } | Outcome

interface Outcome {
  readonly name: string
  readonly status: number
  /** For the report; absent: the line of the status. */
  readonly problem?: string
}

export function deleteMany(request: SwiftRequest, targets: readonly Target[], mostErrors = Infinity): Report {
  const errors: (readonly [string, string])[] = []
  let deleted = 0
  let notFound = 0
  for (const target of targets) {
    if (errors.length >= mostErrors) {
      return { status: statusLine(400), text: '', deleted, notFound, errors }
    }
    const { name, status, problem } = 'place' in target ? deleteOne(request, target) : target
    if (status === 204) deleted += 1
    else if (status === 404) notFound += 1
    else errors.push([name, problem ?? statusLine(status)])
  }
  return { status: statusLine(errors.length === 0 ? 200 : 400), text: '', deleted, notFound, errors }
}

function deleteOne(request: SwiftRequest, target: Extract<Target, { place: Place }>): Outcome {
  const { name, place, versionId } = target
  const { account, container = '', object } = place
  try {
    if (object === undefined) {
      request.demand('own', place)
      dropContainer(request, { account, container })
    } else {
      request.demand('write', place)
      const found = { account, container, object }
      if (versionId === undefined) dropObject(request, found)
      else removeVersion(request, found, versionId)
    }
    return { name, status: 204 }
  } catch (error) {
    if (!(error instanceof SwiftFailure)) throw error
    return { name, status: error.status }
  }
}

function targetOf(account: string, line: string): Target {
  try {
    const name = decodePath(line)
    const [container = '', ...rest] = name.replace(/^\//, '').split('/')
    const object = rest.join('/')
    const place = object === '' ? { account, container } : { account, container, object }
    return { name: quote(name), place }
  } catch {
    return { name: escapeBytes(line), status: 412 }
  }
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
