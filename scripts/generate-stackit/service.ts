import type { Operation, Service } from '../generate/model.js'
import { camelCase, Names, pascalCase } from '../generate/names.js'
import type { OpenApiDocument } from '../generate/open-api-document.js'
import { readOperations } from '../generate/open-api-operations.js'
import { schemaReader } from '../generate/open-api-schemas.js'
import { withoutReadOnlyDuties } from '../generate/reachable.js'
import type { IndexRow } from './documents.js'
import { isSecret } from './secrets.js'

/** Names that a type should not take from the language. */
const reserved = ['Error', 'Function', 'Object', 'Record']

/** A document of STACKIT as a service. */
export function readService(
  row: IndexRow,
  document: OpenApiDocument,
  openEnums: Readonly<Record<string, readonly string[]>> = {},
): Service {
  const typeName = pascalCase(row.service)
  const names = new Names([
    `${typeName}Client`,
    `${typeName}Watch`,
    `${typeName}Run`,
    'CallOptions',
    'Observable',
  ])
  const schemas = schemaReader(document, {
    names,
    reserved: new Map(reserved.map((name) => [name, typeName + name])),
    values: (way) => openEnums[way],
    secret: isSecret,
  })
  const { operations, inline } = readOperations(document, schemas, names)
  return {
    service: row.service,
    version: row.version,
    standard: row.default,
    ...(row.deprecated ? { deprecated: true } : {}),
    name: camelCase(row.service),
    typeName,
    // The variable's values end with a dot of their own.
    url: row.baseUrl.replace('{region}', '{region}.'),
    ...(row.regions.length === 0 ? {} : { regions: row.regions }),
    schemas: withoutReadOnlyDuties([...schemas.named, ...inline], operations),
    operations: operations.map((operation) =>
      givesToken(operation) ? { ...operation, open: true } : operation,
    ),
  }
}

/** Whoever asks for a token has none yet; the document does not say so (stackit dossier 4). */
function givesToken({ method, path }: Operation): boolean {
  return method === 'POST' && path === '/token'
}
