import type { OperationRow, PageRow } from '../../src/clients/stackit/service-definition.js'
import type { Answer, Body, Operation, Service } from './model.js'
import { secretsOf } from './reachable.js'
import type { CheckedSchemas } from './schemas-file.js'
import { valueText } from './value-text.js'

const json = 'application/json'

/** `export const operations`, the table that requests are made from. */
export function operationsFile(
  service: Service,
  checked: CheckedSchemas,
  pages: ReadonlyMap<Operation, PageRow>,
  definitionModule: string,
): string {
  const rows = service.operations.map((operation) => {
    const row = operationRow(operation, service, checked, pages.get(operation))
    return `  ${operation.name}: ${expanded(row)},\n`
  })
  return `import type { OperationTable } from '${definitionModule}'\n\nexport const operations: OperationTable = {\n${rows.join('')}}\n`
}

/** Every field on a line of its own. */
function expanded(row: OperationRow): string {
  const fields = Object.entries(row).map(
    ([name, value]) => `    ${name}: ${valueText(value, '    ', name.length + 7)},\n`,
  )
  return `{\n${fields.join('')}  }`
}

export function operationRow(
  operation: Operation,
  service: Service,
  checked: CheckedSchemas,
  page: PageRow | undefined,
): OperationRow {
  const { method, path, parameters, body, answers, open } = operation
  const secret = secretsOf(operation, service.schemas)
  return {
    method,
    path,
    ...(parameters.length === 0
      ? {}
      : {
          parameters: Object.fromEntries(
            parameters.map((parameter) => [
              parameter.name,
              {
                in: parameter.in,
                ...(parameter.required ? { required: true } : {}),
                ...(parameter.style === undefined ? {} : { style: parameter.style }),
                schema: checked.ofParameter(parameter),
              },
            ]),
          ),
        }),
    ...(body === undefined
      ? {}
      : { body: { ...contentOf(body), ...(body.required ? { required: true } : {}) } }),
    success: Object.fromEntries(answers.map((answer) => [answer.status, contentOf(answer)])),
    ...(secret.length === 0 ? {} : { secret }),
    ...(open === undefined ? {} : { open }),
    ...(page === undefined ? {} : { page }),
  }
}

/** The schema's name, and the media types where they are not JSON alone. */
function contentOf({ schema, types }: Pick<Body | Answer, 'schema' | 'types'>): {
  schema?: string
  types?: readonly string[]
} {
  return {
    ...(schema?.kind === 'reference' ? { schema: schema.name } : {}),
    ...(types.length === 0 || (types.length === 1 && types[0] === json) ? {} : { types }),
  }
}
