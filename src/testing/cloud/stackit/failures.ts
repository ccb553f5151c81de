import type { Complaint } from './checks.js'
import type { Content, Operation } from './documents.js'
import type { Model } from './kinds.js'
import type { Reply } from './reply.js'
import { sample } from './samples.js'
import { isFields } from './schemas.js'

/** An answer that is no success. */
export class StackitFailure extends Error {
  override readonly name = 'StackitFailure'
  readonly status: number
  readonly complaints: readonly Complaint[]
  constructor(status: number, message: string, complaints: readonly Complaint[] = []) {
    super(message)
    this.status = status
    this.complaints = complaints
  }
}

export function reasonOf(status: number): string {
  return REASONS[status] ?? 'Error'
}
const REASONS: Readonly<Record<number, string>> = {
  400: 'Bad Request',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'Not Found',
  405: 'Method Not Allowed',
  409: 'Conflict',
  410: 'Gone',
  411: 'Length Required',
  422: 'Unprocessable Entity',
  429: 'Too Many Requests',
  500: 'Internal Server Error',
}

export interface FailureFacts {
  readonly time: number
  readonly path: string
  readonly traceId: string
}

/** The error in the shape that the document has for this operation (stackit dossier 6). */
export function failureReply(
  model: Model,
  operation: Operation | undefined,
  failure: StackitFailure,
  facts: FailureFacts,
): Reply {
  const { status } = failure
  const content = contentFor(model, operation, status)
  const type = content?.types?.find((one) => !one.includes('*')) ?? 'application/json'
  if (type.startsWith('text/')) return { status, type, body: failure.message }
  const body =
    content?.schema === undefined
      ? { message: failure.message }
      : describe(model, content.schema, failure, facts, '')
  return { status, type, body }
}

/** The shape for this status, else the next best: a range, the default, any other of the operation, any of the service. */
function contentFor(model: Model, operation: Operation | undefined, status: number): Content | undefined {
  const errors = operation?.errors ?? {}
  const range = `${String(status).slice(0, 1)}XX`
  const own = [errors[String(status)], errors[range], errors['default'], ...Object.values(errors)]
  const others = Object.values(model.document.operations).flatMap((one) => Object.values(one.errors ?? {}))
  const tells = (content: Content | undefined): boolean => content?.schema !== undefined
  return own.find(tells) ?? others.find(tells) ?? own.find((content) => content?.types !== undefined)
}

function describe(
  model: Model,
  schema: NonNullable<Content['schema']>,
  failure: StackitFailure,
  facts: FailureFacts,
  name: string,
): unknown {
  const { schemas } = model
  const found = schemas.resolve(schema)
  const [alternative] = found.oneOf ?? found.anyOf ?? []
  if (alternative !== undefined) return describe(model, alternative, failure, facts, name)
  const shape = schemas.shape(found)
  if (shape !== undefined) {
    const names = Object.keys(shape.properties)
    if (names.length === 0) return { code: failure.status, message: failure.message }
    return Object.fromEntries(
      names.flatMap((property) => {
        const inner = shape.properties[property] ?? {}
        const isWanted = shape.required.has(property) || TOLD.has(property)
        const value = isWanted ? describe(model, inner, failure, facts, property) : undefined
        return value === undefined ? [] : [[property, value]]
      }),
    )
  }
  if (found.type === 'array') {
    if (name === 'detail') return [describe(model, found.items ?? {}, failure, facts, '')]
    const made = failure.complaints.map(({ place, text }) => {
      const item = describe(model, found.items ?? {}, failure, facts, '')
      return isFields(item)
        ? {
            ...item,
            ...('field' in item ? { field: place } : {}),
            ...('message' in item ? { message: `${place} ${text}` } : {}),
          }
        : item
    })
    return made
  }
  const origin = { seed: facts.traceId, time: facts.time, given: {} }
  if (found.type === 'integer' || found.type === 'number') return failure.status
  if (found.type !== 'string') return sample(schemas, found, origin, name)
  const word = reasonOf(failure.status)
  if (/^(message|msg|description|detail|error_description|key)$/.test(name))
    return name === 'key' ? word : failure.message
  if (/^(code|type|status)$/.test(name))
    return found.enum === undefined
      ? word.toUpperCase().replaceAll(' ', '_')
      : sample(schemas, found, origin, name)
  if (/^(error|title)$/.test(name)) return word
  if (name === 'path' || name === 'instance') return facts.path
  if (/^trace/i.test(name)) return facts.traceId
  return sample(schemas, found, origin, name)
}
const TOLD = new Set([
  'message',
  'msg',
  'code',
  'error',
  'status',
  'detail',
  'description',
  'title',
  'path',
  'timeStamp',
  'timestamp',
  'traceId',
  'validation',
  'errors',
])
