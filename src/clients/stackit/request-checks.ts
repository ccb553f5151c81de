import { problemsOf } from './problems.js'
import type { Schemas } from './schemas.js'
import type { BodyRow, OperationRow } from './service-definition.js'

/** What a method was called with: parameters by their names on the wire, and `body`. */
export type Arguments = Readonly<Record<string, unknown>>

/** Filled in from the client's configuration; where an operation has no use for them, they do no harm. */
export const ambientParameters: readonly string[] = ['projectId', 'organizationId', 'region', 'regionId']

/**
 * Looks through the arguments before anything is sent (stackit dossier 9, 4): what is required, kinds, patterns, lengths.
 *
 * @throws TypeError that names each wrong argument: `args.body.name: is missing`
 */
export function checkArguments(row: OperationRow, args: Arguments, schemas: Schemas): void {
  const problems = [
    ...parameterProblems(row, args, schemas),
    ...bodyProblems(row.body, args['body'], schemas),
    ...strangers(row, args),
  ]
  if (problems.length > 0) throw new TypeError(problems.join('; '))
}

function parameterProblems({ parameters = {} }: OperationRow, args: Arguments, schemas: Schemas): string[] {
  return Object.entries(parameters).flatMap(([name, parameter]) => {
    const value = args[name]
    const path = `args.${name}`
    if (value === undefined)
      return parameter.required || parameter.in === 'path' ? [`${path}: is missing`] : []
    const checked = schemas(parameter.schema, 'request').safeParse(value)
    const problems = checked.success ? [] : problemsOf(checked.error, path)
    if (problems.length > 0) return problems
    if (parameter.in === 'path' && unfitForPath(value))
      return [`${path}: must not be empty, nor made of dots`]
    if (parameter.in === 'header' && typeof value === 'string' && !/^[\t\x20-\x7e\x80-\xff]*$/.test(value)) {
      return [`${path}: cannot stand in a header`]
    }
    return []
  })
}

function unfitForPath(value: unknown): boolean {
  return value === '' || value === '.' || value === '..' || value === null || typeof value === 'object'
}

function bodyProblems(row: BodyRow | undefined, body: unknown, schemas: Schemas): string[] {
  if (row === undefined) return []
  if (body === undefined) return row.required === true ? ['args.body: is missing'] : []
  if (takenAsIs(row, body)) return []
  if (row.schema === undefined) return ['args.body: expected a text']
  const checked = schemas(row.schema, 'request').safeParse(body)
  return checked.success ? [] : problemsOf(checked.error, 'args.body')
}

/** A text where a text may stand, a list of changes where a JSON patch may. */
function takenAsIs(row: BodyRow, body: unknown): boolean {
  const { types = [] } = row
  if (typeof body === 'string') return row.schema === undefined || types.some(isText)
  return Array.isArray(body) && types.some(isPatch)
}

export function isText(type: string): boolean {
  return type.startsWith('text/')
}

/** JSON patch (RFC 6902). */
export function isPatch(type: string): boolean {
  return type === 'application/json-patch+json'
}

/** A misspelt filter would otherwise do nothing, and nobody would notice. */
function strangers({ parameters = {}, body }: OperationRow, args: Arguments): string[] {
  return Object.entries(args)
    .filter(
      ([name, value]) =>
        value !== undefined &&
        !Object.hasOwn(parameters, name) &&
        !(name === 'body' && body !== undefined) &&
        !ambientParameters.includes(name),
    )
    .map(([name]) => `args.${name}: there is no such parameter`)
}
