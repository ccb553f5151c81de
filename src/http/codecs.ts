import type { z } from 'zod'
import { REDACTED, redactFields, ResponseFormatError } from '../errors.js'
import type { DecodeContext, HttpResponse, RequestParts } from './types.js'

const EXCERPT_LENGTH = 500
/** A name that promises a secret, and what is assigned to it, in whatever syntax. */
const assignedSecret =
  /("?[\w-]*(?:token|password|pass|secret|key|assertion|authorization|cookie)[\w-]*"?\s*[=:]\s*)("[^"]*"?|(?:bearer|basic) [^\s&,<>]+|[^\s&,<>]+)/gi

type Decoder<T> = (response: HttpResponse, context: DecodeContext) => T

export function text(response: HttpResponse): string {
  const { body } = response
  return Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString('utf8')
}

export function bytes(response: HttpResponse): Uint8Array {
  return response.body
}

/** For answers whose body says nothing. */
export function nothing(): void {
  return
}

/** The value of a header that came once; the first of several. */
export function header(response: Pick<HttpResponse, 'headers'>, name: string): string | undefined {
  const value = response.headers[name]
  return typeof value === 'string' ? value : value?.[0]
}

/**
 * Reads JSON tolerantly. `steering` names what the package itself relies on: if that does not fit, the answer is an
 * error. `described` is the whole of what is known: what does not fit there is only reported as drift, and is not
 * even looked at while nobody watches. The value is returned as it came, unknown fields included.
 */
export function json<T>(steering: z.ZodType, described?: z.ZodType<T>): Decoder<T> {
  return (response, context) => {
    const value = parseJson(response, context)
    const required = steering.safeParse(value)
    if (!required.success) throw unfit(response, context, issuesOf(required.error))
    if (described !== undefined && context.watched) {
      const complete = described.safeParse(value)
      if (!complete.success) context.drift(issuesOf(complete.error))
    }
    return value as T
  }
}

/** Reads JSON of which nothing is known. */
export function parseJson(response: HttpResponse, context: DecodeContext): unknown {
  try {
    return JSON.parse(text(response)) as unknown
  } catch (cause) {
    throw unfit(response, context, [response.body.length === 0 ? 'body is empty' : 'body is not JSON'], cause)
  }
}

/** The error for an answer that is not what the protocol says. */
export function unfit(
  response: HttpResponse,
  context: DecodeContext,
  issues: readonly string[],
  cause?: unknown,
): ResponseFormatError {
  const { operation, cloud } = context
  return new ResponseFormatError(
    `${operation.id}: the answer (status ${String(response.status)}) is not what the protocol says: ${issues.join('; ')}`,
    {
      cloud,
      operation: operation.id,
      issues,
      excerpt: excerpt(text(response), operation.secret),
      cause: safeCause(cause),
    },
  )
}

// JSON.parse quotes the text around the fault, which may be a secret.
function safeCause(cause: unknown): unknown {
  return cause instanceof SyntaxError ? undefined : cause
}

function issuesOf(error: z.ZodError): string[] {
  return error.issues.map((issue) => `${issue.path.map(String).join('.') || 'body'}: ${issue.message}`)
}

/** The beginning of a body, without secrets; nothing of a body that cannot be searched for them. */
export function excerpt(content: string, secret: readonly string[] = []): string {
  try {
    return JSON.stringify(redactFields(JSON.parse(content), secret)).slice(0, EXCERPT_LENGTH)
  } catch {
    return secret.length > 0
      ? `${String(Buffer.byteLength(content))} bytes that may hold a secret`
      : content.slice(0, EXCERPT_LENGTH).replaceAll(assignedSecret, `$1${REDACTED}`)
  }
}

/** A JSON body. A string, so that its length is known and it is never sent chunked. */
export function jsonBody(value: unknown): Pick<RequestParts, 'headers' | 'body'> {
  return { headers: jsonHeaders, body: JSON.stringify(value) }
}
const jsonHeaders = { 'content-type': 'application/json' }

/** A body of form fields, as `application/x-www-form-urlencoded`. */
export function formBody(fields: Readonly<Record<string, string>>): Pick<RequestParts, 'headers' | 'body'> {
  return {
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body: new URLSearchParams(fields).toString(),
  }
}

/** Query parameters; those without a value are left out, `true` stands as a bare name. */
export function query(parameters: Readonly<Record<string, string | number | true | undefined>>): string {
  return Object.entries(parameters)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) =>
      value === true
        ? encodeURIComponent(name)
        : `${encodeURIComponent(name)}=${encodeURIComponent(String(value))}`,
    )
    .join('&')
}

/**
 * One segment of a path.
 *
 * @throws TypeError if it is empty or made of dots: somebody on the way would take it for another path
 */
export function segment(value: string | number): string {
  // Most ids are numbers or plain words.
  if (typeof value === 'number' || plainWord.test(value)) return String(value)
  if (value === '' || value === '.' || value === '..') {
    throw new TypeError(`expected an id or a name that can stand in a path, but it is '${value}'`)
  }
  return encodeURIComponent(value).replaceAll(
    /[!'()*]/g,
    (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`,
  )
}
const plainWord = /^[\w-]+$/
