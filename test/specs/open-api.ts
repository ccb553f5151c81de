import { readFileSync } from 'node:fs'
import { join } from 'node:path'

// The documents read anew, for tests: whatever the project's own generators make of them is held against this.

export type Json = Readonly<Record<string, unknown>>

export interface SpecParameter {
  readonly name: string
  readonly in: string
  readonly required: boolean
  readonly style: string | undefined
  readonly explode: boolean | undefined
  readonly schema: Json
}

/** Schemas by media type. */
export type SpecContent = ReadonlyMap<string, Json>

export interface SpecOperation {
  readonly id: string
  readonly method: string
  readonly path: string
  readonly parameters: readonly SpecParameter[]
  readonly body: { readonly required: boolean; readonly content: SpecContent } | undefined
  /** By what the document calls the status: `200`, `4XX`, `default`. */
  readonly responses: ReadonlyMap<string, SpecContent>
  /** Whether the document says that nobody has to log in. */
  readonly open: boolean
}

export interface SpecDocument {
  readonly service: string
  readonly version: string
  readonly standard: boolean
  /** The variables of the server with their defaults filled in. */
  readonly url: string
  readonly operations: readonly SpecOperation[]
  /** What a reference leads to; anything else as it is. */
  readonly resolve: (value: unknown) => Json
}

/** All documents of a folder with an `index.json`. */
export function readDocuments(folder: string): readonly SpecDocument[] {
  const read = (file: string): unknown => JSON.parse(readFileSync(join(folder, file), 'utf8'))
  const rows = read('index.json') as readonly {
    service: string
    version: string
    file: string
    default: boolean
  }[]
  return rows.map((row) => ({
    service: row.service,
    version: row.version,
    standard: row.default,
    ...readDocument(object(read(row.file))),
  }))
}

export function readDocument(document: Json): Pick<SpecDocument, 'url' | 'operations' | 'resolve'> {
  const resolve = (value: unknown): Json => {
    const found = object(value)
    const { $ref } = found
    if (typeof $ref !== 'string') return found
    return resolve(
      $ref
        .slice(2)
        .split('/')
        .reduce<unknown>((at, name) => object(at)[name], document),
    )
  }
  const operations = Object.entries(object(document['paths'])).flatMap(([path, item]) =>
    Object.entries(object(item))
      .filter(([method]) => method !== 'parameters')
      .map(([method, operation]) => readOperation(method, path, object(item), object(operation), resolve)),
  )
  return { url: urlOf(document), operations, resolve }
}

function readOperation(
  method: string,
  path: string,
  item: Json,
  operation: Json,
  resolve: SpecDocument['resolve'],
): SpecOperation {
  const parameters = new Map(
    [...list(item['parameters']), ...list(operation['parameters'])]
      .map((stated) => parameterOf(resolve(stated)))
      .map((parameter) => [`${parameter.in} ${parameter.name}`, parameter]),
  )
  const body = operation['requestBody'] === undefined ? undefined : resolve(operation['requestBody'])
  const responses = Object.entries(object(operation['responses']))
  return {
    id: String(operation['operationId']),
    method: method.toUpperCase(),
    path,
    parameters: [...parameters.values()],
    body: body === undefined ? undefined : { required: body['required'] === true, content: contentOf(body) },
    responses: new Map(responses.map(([status, response]) => [status, contentOf(resolve(response))])),
    open: Array.isArray(operation['security']) && operation['security'].length === 0,
  }
}

function parameterOf(parameter: Json): SpecParameter {
  return {
    name: String(parameter['name']),
    in: String(parameter['in']),
    required: parameter['required'] === true,
    style: parameter['style'] as string | undefined,
    explode: parameter['explode'] as boolean | undefined,
    schema: object(parameter['schema']),
  }
}

function contentOf(holder: Json): SpecContent {
  return new Map(
    Object.entries(object(holder['content'])).map(([type, media]) => [type, object(object(media)['schema'])]),
  )
}

function urlOf(document: Json): string {
  const server = object(list(document['servers'])[0])
  return String(server['url']).replaceAll(/\{(\w+)\}/g, (_, name: string) =>
    String(object(object(server['variables'])[name])['default']),
  )
}

/** Statuses of success and what they hold; one that leads elsewhere is one only where there is no other. */
export function successesOf({ responses }: SpecOperation): readonly (readonly [number, SpecContent])[] {
  const numbered = [...responses].map(([status, content]) => [Number(status), content] as const)
  const good = numbered.filter(([status]) => status >= 200 && status < 300)
  return good.length > 0 ? good : numbered.filter(([status]) => status >= 300 && status < 400)
}

/** Statuses of failure and what they hold; for a range, and for all others, one of them. */
export function failuresOf(operation: SpecOperation): readonly (readonly [number, SpecContent])[] {
  const good = successesOf(operation).map(([status]) => status)
  const examples: Readonly<Record<string, number>> = { '4XX': 418, '5XX': 507, default: 451 }
  return [...operation.responses]
    .map(([status, content]) => [examples[status] ?? Number(status), content] as const)
    .filter(([status]) => !good.includes(status) && status >= 300)
}

export function object(value: unknown): Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Json) : {}
}

export function list(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : []
}
