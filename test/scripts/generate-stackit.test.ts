import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { differencesIn } from '../../scripts/generate/folder.js'
import type { NamedSchema, Schema, Service } from '../../scripts/generate/model.js'
import { operationRow } from '../../scripts/generate/operations-file.js'
import { partsOf } from '../../scripts/generate/reachable.js'
import { checkedSchemas } from '../../scripts/generate/schemas-file.js'
import { openDocuments } from '../../scripts/generate-stackit/documents.js'
import { generateStackit, readServices } from '../../scripts/generate-stackit/generate.js'
import type { OperationRow } from '../../src/clients/stackit/service-definition.js'
import { describeWithDocuments, stackitSpecs } from '../api-documents.js'

const client = fileURLToPath(new URL('../../src/clients/stackit', import.meta.url))

const once = <T>(make: () => T): (() => T) => {
  let made: { readonly value: T } | undefined
  return () => (made ??= { value: make() }).value
}
const documents = once(() => openDocuments(stackitSpecs))
const services = once(() => readServices(documents()))
const keyOf = ({ service, version }: { readonly service: string; readonly version: string }): string =>
  `${service}/${version}`

function everySchema({ schemas, operations }: Service): readonly Schema[] {
  const all = [
    ...schemas.map(({ schema }: NamedSchema) => schema),
    ...operations.flatMap(({ parameters }) => parameters.map(({ schema }) => schema)),
  ]
  const pending = [...all]
  for (let schema = pending.pop(); schema !== undefined; schema = pending.pop()) {
    const parts = partsOf(schema)
    all.push(...parts)
    pending.push(...parts)
  }
  return all
}

/** A row of `operations.tsv`, which was made from the documents by another program. */
interface Expected {
  readonly method: string
  readonly path: string
  /** Names, those that are required with a star. */
  readonly query: readonly string[]
  readonly headers: readonly string[]
  readonly bodyTypes: readonly string[]
  readonly success: readonly string[]
}

function expectedOperations(): ReadonlyMap<string, Expected> {
  const listed = (cell = '', by = /[ ,;]+/): readonly string[] => cell.split(by).filter((name) => name !== '')
  const lines = readFileSync(join(stackitSpecs, 'operations.tsv'), 'utf8').trimEnd().split('\n')
  return new Map(
    lines.slice(1).map((line) => {
      const cells = line.split('\t')
      const [service = '', version = '', , , name = '', method = '', path = '', query, headers, types] = cells
      const success = listed(cells[11], /[;,] */).map((answer) => answer.split(':')[0] ?? '')
      return [
        `${service}/${version} ${name}`,
        {
          method,
          path,
          query: listed(query),
          headers: listed(headers).map((header) => header.replace('*', '')),
          bodyTypes: [...listed(types)].sort(),
          // An answer that leads elsewhere is an error (stackit dossier, after the audit), unless there is no other.
          success: success.filter((status) => success.length === 1 || status.startsWith('2')),
        },
      ]
    }),
  )
}

function asExpected({ method, path, parameters = {}, body, success }: OperationRow): Expected {
  const named = (place: string): readonly (readonly [string, boolean])[] =>
    Object.entries(parameters)
      .filter(([, parameter]) => parameter.in === place)
      .map(([name, { required = false }]) => [name, required])
  return {
    method,
    path,
    query: named('query').map(([name, required]) => (required ? `${name}*` : name)),
    headers: named('header').map(([name]) => name),
    bodyTypes: body === undefined ? [] : [...(body.types ?? ['application/json'])].sort(),
    success: Object.keys(success),
  }
}

describeWithDocuments('the services of STACKIT', () => {
  it('are committed as they are generated', () => {
    expect(differencesIn(client, generateStackit(stackitSpecs), ['services'])).toEqual([])
  })

  it('are all there, each in one version by default', () => {
    expect(services()).toHaveLength(72)
    expect(services().flatMap(({ operations }) => operations)).toHaveLength(1_499)
    const standard = services().filter((service) => service.standard)
    expect(new Set(standard.map(({ name }) => name)).size).toBe(50)
    expect(standard.flatMap(({ operations }) => operations)).toHaveLength(983)
  })

  it('have the operations that another reader of the documents found', () => {
    const expected = expectedOperations()
    const found = services().flatMap((service) => {
      const checked = checkedSchemas(service)
      return service.operations.map((operation): [string, Expected] => [
        `${keyOf(service)} ${operation.name}`,
        asExpected(operationRow(operation, service, checked, undefined)),
      ])
    })

    expect(found).toHaveLength(expected.size)
    for (const [name, operation] of found) expect(operation, name).toEqual(expected.get(name))
  })

  it('have addresses and regions', () => {
    const found = new Map(services().map((service) => [keyOf(service), service]))

    expect(found.get('dns/v1')?.url).toBe('https://dns.api.stackit.cloud')
    expect(found.get('dns/v1')?.regions).toBeUndefined()
    expect(found.get('observability/v1')?.url).toBe('https://argus.api.{region}.stackit.cloud')
    expect(found.get('observability/v1')?.regions).toEqual(['eu01'])
    expect(found.get('service-enablement/v1')?.regions).toEqual(['eu01', 'eu02'])
    for (const { url } of services())
      expect(url).toMatch(/^https:\/\/[a-z-]+\.api\.(\{region\}\.)?stackit\.cloud$/)
  })

  it('have named parameters, schemas and types for everything they name', () => {
    for (const service of services()) {
      const checked = checkedSchemas(service)
      const types = new Set(service.schemas.map(({ name }) => name))
      for (const schema of everySchema(service)) {
        if (schema.kind === 'reference') expect(types, keyOf(service)).toContain(schema.name)
      }
      for (const operation of service.operations) {
        const row = operationRow(operation, service, checked, undefined)
        const inPath = [...row.path.matchAll(/\{([^}]+)\}/g)].map(([, name]) => name)
        const declared = Object.entries(row.parameters ?? {}).filter(([, { in: place }]) => place === 'path')
        expect(declared.map(([name]) => name).sort(), operation.id).toEqual(inPath.sort())
        const named = [...Object.values(row.parameters ?? {}), row.body, ...Object.values(row.success)]
        for (const { schema } of named.filter((part) => part !== undefined)) {
          if (schema !== undefined)
            expect(checked.schemas, `${operation.id} ${schema}`).toHaveProperty([schema])
        }
      }
    }
  })

  it('know the values that are told in prose only', () => {
    const unknown = Object.entries(documents().openEnums).flatMap(([key, enums]) => {
      const service = services().find((candidate) => keyOf(candidate) === key)
      const listed = new Set(
        service === undefined
          ? []
          : everySchema(service).flatMap((schema) =>
              schema.kind === 'string' ? [JSON.stringify([...(schema.values ?? [])].sort())] : [],
            ),
      )
      return Object.entries(enums)
        .filter(([, values]) => !listed.has(JSON.stringify([...values].sort())))
        .map(([way]) => `${key} ${way}`)
    })

    expect(unknown).toEqual([])
  })

  it('have schemas that zod reads', () => {
    let count = 0
    for (const service of services().filter(({ standard }) => standard)) {
      const { schemas } = checkedSchemas(service)
      const whole = {
        type: 'object',
        properties: Object.fromEntries(
          Object.keys(schemas).map((name) => [name, { $ref: `#/definitions/${name}` }]),
        ),
      } as const
      const read = z.fromJSONSchema({ ...whole, definitions: schemas }, { defaultTarget: 'openapi-3.0' })
      expect(read.safeParse({}).success, keyOf(service)).toBe(true)
      count += Object.keys(schemas).length
    }
    expect(count).toBeGreaterThan(1_500)
  })
})

describe('the service by default', () => {
  it('is what `all` exports, for each', async () => {
    const all: Readonly<Record<string, unknown>> = await import('../../src/clients/stackit/all.js')

    expect(Object.keys(all)).toHaveLength(50)
    for (const [name, definition] of Object.entries(all)) {
      expect(definition, name).toMatchObject({
        operations: {},
        url: expect.stringContaining('.stackit.cloud') as string,
      })
    }
  })
})
