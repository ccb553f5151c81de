import type { Method } from '../../src/http/types.js'
import type { Answer, Body, NamedSchema, Operation, Parameter, Schema } from './model.js'
import { camelCase, pascalCase, type Names } from './names.js'
import {
  referenced,
  type OpenApiContent,
  type OpenApiDocument,
  type OpenApiOperation,
  type OpenApiParameter,
  type OpenApiPath,
  type OpenApiResponse,
  type OpenApiSchema,
  type Reference,
} from './open-api-document.js'
import type { SchemaReader } from './open-api-schemas.js'

const methods = ['get', 'put', 'post', 'delete', 'options', 'head', 'patch'] as const
const json = 'application/json'

/** Reads the operations of a document, and the schemas that have no name there: they get one from their operation. */
export function readOperations(
  document: OpenApiDocument,
  schemas: SchemaReader,
  names: Names,
): { readonly operations: readonly Operation[]; readonly inline: readonly NamedSchema[] } {
  const inline: NamedSchema[] = []

  function named(schema: OpenApiSchema, wanted: string): Schema {
    const read = schemas.read(schema, wanted)
    if (read.kind === 'reference') return read
    const name = names.take(wanted)
    inline.push({ name, schema: read })
    return { kind: 'reference', name }
  }

  function readBody(operation: OpenApiOperation, typeName: string): Body | undefined {
    const { requestBody } = operation
    if (requestBody === undefined) return undefined
    const schema = structured(requestBody.content)
    return {
      required: requestBody.required === true,
      types: mediaTypes(requestBody.content),
      ...(schema === undefined ? {} : { schema: named(schema, `${typeName}Body`) }),
    }
  }

  function readAnswer(status: number, { content = {} }: OpenApiResponse, typeName: string): Answer {
    const schema = structured(content)
    return {
      status,
      types: mediaTypes(content),
      ...(schema === undefined ? {} : { schema: named(schema, `${typeName}Response`) }),
    }
  }

  function readOperation(
    method: Method,
    path: string,
    item: OpenApiPath,
    operation: OpenApiOperation,
  ): Operation {
    const typeName = pascalCase(operation.operationId)
    const body = readBody(operation, typeName)
    return {
      id: operation.operationId,
      name: camelCase(operation.operationId),
      typeName,
      method,
      path,
      parameters: readParameters(document, schemas, item, operation),
      ...(body === undefined ? {} : { body }),
      answers: successes(document, operation).map(([status, response]) =>
        readAnswer(status, response, typeName),
      ),
      ...(operation.deprecated === true ? { deprecated: true } : {}),
      ...(operation.security?.length === 0 ? { open: true } : {}),
      permissions: operation['x-stackit-authorization']?.actions ?? [],
    }
  }

  const operations = Object.entries(document.paths).flatMap(([path, item]) =>
    methods.flatMap((method) => {
      const operation = item[method]
      if (operation === undefined) return []
      return [readOperation(method.toUpperCase() as Method, path, item, operation)]
    }),
  )
  return { operations, inline }
}

/** Those of the path, but for the ones that the operation says anew, and its own. */
function readParameters(
  document: OpenApiDocument,
  schemas: SchemaReader,
  item: OpenApiPath,
  operation: OpenApiOperation,
): readonly Parameter[] {
  const found = new Map<string, OpenApiParameter>()
  for (const stated of [...(item.parameters ?? []), ...(operation.parameters ?? [])]) {
    const parameter = '$ref' in stated ? componentOf(document.components?.parameters, stated) : stated
    found.set(`${parameter.in} ${parameter.name}`, parameter)
  }
  return [...found.values()].map((parameter) => readParameter(parameter, schemas))
}

function readParameter(parameter: OpenApiParameter, schemas: SchemaReader): Parameter {
  const { name, schema = {} } = parameter
  const place = parameter.in
  if (place === 'cookie') throw new Error(`${name}: no cookie is a parameter`)
  const style = place === 'query' ? styleOf(parameter, schemas.resolve(schema)) : undefined
  return {
    name,
    in: place,
    required: place === 'path' || parameter.required === true,
    schema: schemas.read(schema, name),
    ...(style === undefined ? {} : { style }),
    ...(parameter.deprecated === true ? { deprecated: true } : {}),
  }
}

function styleOf({ style, explode }: OpenApiParameter, schema: OpenApiSchema): 'comma' | 'deep' | undefined {
  if (style === 'deepObject') return 'deep'
  return schema.type === 'array' && explode === false ? 'comma' : undefined
}

/** Answers in the two hundreds; where there is none, those that lead elsewhere. */
function successes(
  document: OpenApiDocument,
  { responses }: OpenApiOperation,
): readonly [number, OpenApiResponse][] {
  const all = Object.entries(responses).map(([status, stated]): [number, OpenApiResponse] => [
    Number(status),
    '$ref' in stated ? componentOf(document.components?.responses, stated) : stated,
  ])
  const good = all.filter(([status]) => status >= 200 && status < 300)
  return good.length > 0 ? good : all.filter(([status]) => status >= 300 && status < 400)
}

function componentOf<T>(components: Readonly<Record<string, T>> | undefined, { $ref }: Reference): T {
  const found = components?.[referenced($ref)]
  if (found === undefined) throw new Error(`${$ref} leads nowhere`)
  return found
}

function isStructured(type: string): boolean {
  return type === json || type.endsWith('+json') || type === 'application/x-www-form-urlencoded'
}

function structured(content: OpenApiContent): OpenApiSchema | undefined {
  return Object.entries(content).find(([type]) => isStructured(type))?.[1].schema
}

/** JSON first: it is what one gets without asking for something else. */
function mediaTypes(content: OpenApiContent): readonly string[] {
  const types = Object.keys(content)
  return [...types.filter((type) => type === json), ...types.filter((type) => type !== json)]
}
