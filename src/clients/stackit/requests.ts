import { isSecretName } from '../../errors.js'
import { formBody, jsonBody, segment } from '../../http/codecs.js'
import type { RequestParts } from '../../http/types.js'
import { isPatch, isText, type Arguments } from './request-checks.js'
import type { BodyRow, OperationRow, ParameterRow } from './service-definition.js'

/** Makes the request of an operation and arguments that were checked (stackit dossier 5). */
export function encodeRequest(row: OperationRow, args: Arguments): RequestParts {
  const query = encodeQuery(row, args)
  const body = args['body'] === undefined || row.body === undefined ? {} : encodeBody(row.body, args['body'])
  const headers = { ...acceptOf(row), ...headersOf(row, args), ...body.headers }
  const secrets = secretsOf(args, row.secret ?? [])
  return {
    path: encodePath(row, args),
    ...(query === '' ? {} : { query }),
    ...(Object.keys(headers).length === 0 ? {} : { headers }),
    ...(body.body === undefined ? {} : { body: body.body }),
    ...(secrets.length === 0 ? {} : { secrets }),
  }
}

function encodePath({ path }: OperationRow, args: Arguments): string {
  return path.replaceAll(/\{([^}]+)\}/g, (_, name: string) => segment(String(args[name])))
}

// --- query ------------------------------------------------------------------------------------------------------

function encodeQuery({ parameters = {} }: OperationRow, args: Arguments): string {
  return Object.entries(parameters)
    .filter(([name, parameter]) => parameter.in === 'query' && args[name] !== undefined)
    .flatMap(([name, parameter]) => encodeParameter(name, parameter, args[name]))
    .join('&')
}

function encodeParameter(name: string, { style }: ParameterRow, value: unknown): string[] {
  if (Array.isArray(value)) {
    const items = value.map((item) => encodeURIComponent(String(item)))
    if (style === 'comma') return items.length === 0 ? [] : [`${encodeName(name)}=${items.join(',')}`]
    return items.map((item) => `${encodeName(name)}=${item}`)
  }
  if (typeof value === 'object' && value !== null) {
    return Object.entries(value)
      .filter(([, inner]) => inner !== undefined)
      .flatMap(([key, inner]) =>
        encodeParameter(style === 'deep' ? `${name}[${key}]` : key, { in: 'query', schema: '' }, inner),
      )
  }
  return [`${encodeName(name)}=${encodeURIComponent(String(value))}`]
}

/** Brackets stand as they are, as both references send them. */
function encodeName(name: string): string {
  return encodeURIComponent(name).replaceAll('%5B', '[').replaceAll('%5D', ']')
}

// --- headers ----------------------------------------------------------------------------------------------------

/** JSON is asked for by default; where an operation does not offer it, whatever it does. */
function acceptOf({ success }: OperationRow): Readonly<Record<string, string>> {
  const answers = Object.values(success)
  const types = answers.flatMap(({ types: offered = [] }) => offered)
  if (types.length === 0 || answers.some(({ schema }) => schema !== undefined)) return {}
  return { accept: [...new Set(types)].join(', ') }
}

function headersOf({ parameters = {} }: OperationRow, args: Arguments): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(parameters)
      .filter(([name, parameter]) => parameter.in === 'header' && args[name] !== undefined)
      .map(([name]) => [name.toLowerCase(), String(args[name])]),
  )
}

// --- body -------------------------------------------------------------------------------------------------------

/** A text is sent as the first kind of text that is offered; `content-type` among the call's headers says another. */
function encodeBody({ types = [] }: BodyRow, body: unknown): Pick<RequestParts, 'headers' | 'body'> {
  const [first = 'application/json'] = types
  if (typeof body === 'string') {
    const text = types.find(isText)
    if (text !== undefined) return { headers: { 'content-type': text }, body }
  }
  if (Array.isArray(body)) {
    const patch = types.find(isPatch)
    if (patch !== undefined) return { ...jsonBody(body), headers: { 'content-type': patch } }
  }
  if (first === 'application/x-www-form-urlencoded') return formBody(formFields(body))
  return first === 'application/json'
    ? jsonBody(body)
    : { ...jsonBody(body), headers: { 'content-type': first } }
}

function formFields(body: unknown): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(body as object)
      .filter(([, value]) => value !== undefined && value !== null)
      .map(([name, value]) => [name, String(value)]),
  )
}

// --- secrets ----------------------------------------------------------------------------------------------------

/** The texts that stand under the name of a secret, in every spelling in which a request or an answer may hold them. */
function secretsOf(value: unknown, names: readonly string[], within = false): string[] {
  if (typeof value === 'string') return within ? spellingsOf(value) : []
  if (typeof value !== 'object' || value === null) return []
  if (Array.isArray(value)) return value.flatMap((item) => secretsOf(item, names, within))
  return Object.entries(value).flatMap(([name, inner]) =>
    secretsOf(inner, names, within || names.includes(name) || isSecretName(name)),
  )
}

function spellingsOf(secret: string): string[] {
  return [...new Set([secret, JSON.stringify(secret).slice(1, -1), encodeURIComponent(secret)])]
}
