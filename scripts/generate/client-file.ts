import type { PageRow } from '../../src/clients/stackit/service-definition.js'
import type { Operation, Service, Waiters } from './model.js'
import { importText } from './import-text.js'
import { text } from './names.js'
import { argumentFields, argumentsName, itemText, resultText } from './signatures.js'

/** What the index of a service is made of, beside the service. */
export interface ClientParts {
  /** Parameters that the client's configuration gives. */
  readonly ambient: readonly string[]
  readonly pages: ReadonlyMap<Operation, PageRow>
  readonly waiters: Waiters | undefined
  /** Modules that the generated ones import. */
  readonly definitionModule: string
  readonly httpTypesModule: string
}

/** Name of the interface of a service's client. */
export function clientName({ typeName }: Service): string {
  return `${typeName}Client`
}

/** The index of a service: the interface of its client, and its definition. */
export function clientFile(service: Service, parts: ClientParts): string {
  const { waiters, definitionModule, httpTypesModule } = parts
  assertDistinct(service, parts)
  const types = new Set<string>()
  const methods = service.operations.flatMap((operation) => methodsOf(operation, service, parts, types))
  if (waiters !== undefined) {
    methods.push(
      '/** Waits for what was begun elsewhere. */',
      `readonly watch: ${service.typeName}Watch`,
      '/** Begins something and waits for it. */',
      `readonly run: ${service.typeName}Run`,
    )
  }
  const imports = [
    "import type { Observable } from 'rxjs'",
    `import type { CallOptions } from '${httpTypesModule}'`,
    `import type { ServiceDefinition } from '${definitionModule}'`,
    "import { operations } from './operations.js'",
    "import { schemas } from './schemas.js'",
    importText(types, './types.js'),
    ...(waiters === undefined
      ? []
      : [
          `import { waiters, type ${service.typeName}Run, type ${service.typeName}Watch } from './waiters.js'`,
        ]),
  ]
  return [
    ...imports,
    '',
    "export type * from './types.js'",
    ...(waiters === undefined
      ? []
      : [`export type { ${service.typeName}Run, ${service.typeName}Watch } from './waiters.js'`]),
    '',
    ...(service.deprecated === true ? ['/** @deprecated */'] : []),
    `export interface ${clientName(service)} {`,
    ...methods.map((line) => `  ${line}`),
    '}',
    '',
    definitionText(service, waiters !== undefined),
    '',
  ].join('\n')
}

/** Two methods of one name would be overloads, and nobody would notice. */
function assertDistinct({ service, version, operations }: Service, { pages }: ClientParts): void {
  const names = [
    'watch',
    'run',
    ...operations.map(({ name }) => name),
    ...[...pages.keys()].map(({ name }) => `${name}All`),
  ]
  const twice = names.filter((name, index) => names.indexOf(name) !== index)
  if (twice.length > 0) throw new Error(`${service} ${version} has two methods ${twice.join(', ')}`)
}

function methodsOf(
  operation: Operation,
  service: Service,
  { ambient, pages }: ClientParts,
  types: Set<string>,
): readonly string[] {
  const result = resultText(operation)
  const optional = argumentFields(operation, ambient).every(({ required }) => !required)
  const args = `args${optional ? '?' : ''}: ${argumentsName(operation)}, options?: CallOptions`
  for (const type of [argumentsName(operation), ...result.types]) types.add(type)
  const remark = remarkOf(operation)
  const lines = [...remark, `${operation.name}(${args}): Observable<${result.text}>`]
  const page = pages.get(operation)
  if (page === undefined) return lines
  const item = itemText(operation, page.items, service)
  for (const type of item.types) types.add(type)
  return [...lines, ...remark, `${operation.name}All(${args}): Observable<${item.text}>`]
}

/** Method, path and what one must be allowed to do. */
function remarkOf({ method, path, permissions, deprecated }: Operation): readonly string[] {
  const needs = permissions.length === 0 ? '' : `, needs \`${permissions.join('`, `')}\``
  const words = `\`${method} ${path}\`${needs}`
  return deprecated === true ? ['/**', ` * ${words}`, ' * @deprecated', ' */'] : [`/** ${words} */`]
}

function definitionText(service: Service, waiters: boolean): string {
  const { name, url, regions, version } = service
  return [
    ...(service.deprecated === true ? ['/** @deprecated */'] : []),
    `export const ${name}: ServiceDefinition<${clientName(service)}> = {`,
    `  service: ${text(service.service)},`,
    `  version: ${text(version)},`,
    `  url: ${text(url)},`,
    ...(regions === undefined ? [] : [`  regions: [${regions.map(text).join(', ')}],`]),
    '  operations,',
    ...(waiters ? ['  waiters,'] : []),
    '  schemas,',
    '}',
  ].join('\n')
}
