import { describe, expect, it } from 'vitest'
import type { Operation, Schema, Service } from '../../scripts/generate/model.js'
import { answerFields } from '../../scripts/generate-stackit/answer-fields.js'
import { openDocuments } from '../../scripts/generate-stackit/documents.js'
import { readServices } from '../../scripts/generate-stackit/generate.js'
import { adjustments, adjustmentsOf } from '../../scripts/generate-stackit/waiter-adjustments.js'
import { submits, unsubmitted } from '../../scripts/generate-stackit/waiter-submits.js'
import { notShipped, waiterReader, type WaiterSpec } from '../../scripts/generate-stackit/waiters.js'
import type { WaiterRow } from '../../src/clients/stackit/service-definition.js'
import { rules } from '../../src/clients/stackit/waiter-rules.js'
import { describeWithDocuments, stackitSpecs } from '../api-documents.js'

const text: Schema = { kind: 'string' }
const object = (fields: Readonly<Record<string, Schema>>): Schema => ({
  kind: 'object',
  properties: Object.entries(fields).map(([name, schema]) => ({ name, schema, required: false })),
})

function operation(id: string, method: 'GET' | 'POST', path: string, answer?: string): Operation {
  const names = [...path.matchAll(/\{([^}]+)\}/g)].map(([, name = '']) => name)
  return {
    id,
    name: id.charAt(0).toLowerCase() + id.slice(1),
    typeName: id,
    method,
    path,
    parameters: names.map((name) => ({ name, in: 'path', required: true, schema: text })),
    answers: [
      answer === undefined
        ? { status: 202, types: [] }
        : { status: 200, types: ['application/json'], schema: { kind: 'reference', name: answer } },
    ],
    permissions: [],
  }
}

const things: Service = {
  service: 'things',
  version: 'v1',
  standard: true,
  name: 'things',
  typeName: 'Things',
  url: 'https://things.api.stackit.cloud',
  schemas: [
    { name: 'Thing', schema: object({ inner: object({ id: text, status: text, error: text }) }) },
    { name: 'Bare', schema: object({ nothing: text }) },
  ],
  operations: [
    operation('GetThing', 'GET', '/v1/projects/{projectId}/things/{thingId}', 'Thing'),
    operation('CreateThing', 'POST', '/v1/projects/{projectId}/things', 'Thing'),
    operation('StartThing', 'POST', '/v1/projects/{projectId}/things/{thingId}', undefined),
    operation('MakeThing', 'POST', '/v1/projects/{projectId}/things', 'Bare'),
  ],
}

const spec: WaiterSpec = {
  service: 'things',
  version: 'v1',
  name: 'CreateThing',
  kind: 'state',
  poll: [{ operationId: 'get-thing' }],
  stateField: 'inner.status',
  success: ['READY'],
  failure: [],
  goneStatuses: [],
  sleepBeforeSeconds: 2,
  timeoutSeconds: 60,
  deprecated: false,
  note: '',
}

describe('the waiters of a service', () => {
  it('are rows, with the cloud’s words beside the state and the way from the submission', () => {
    const { table, text: written, types } = waiterReader([spec])(things) ?? { table: {}, text: '', types: [] }
    expect(table).toEqual({
      createThing: {
        kind: 'state',
        poll: 'getThing',
        state: 'inner.status',
        success: ['READY'],
        message: 'inner.error',
        pause: 2_000,
        timeout: 60_000,
        submits: { createThing: { from: { thingId: 'result.inner.id' } } },
      },
    })
    expect(written).toContain('createThing(target: GetThingArguments | OperationRef, options?: WatchOptions)')
    expect(written).toContain('createThing(args?: CreateThingArguments, options?: RunOptions)')
    expect(types).toEqual(['CreateThingArguments', 'GetThingArguments', 'Thing'])
  })

  it('may have nothing that submits', () => {
    const waiters = waiterReader([{ ...spec, name: 'Repair' }])(things)
    expect(waiters?.table['repair']).not.toHaveProperty('submits')
    expect(waiters?.text).toContain('export type ThingsRun = Readonly<Record<never, never>>')
  })

  it('of other services and versions are not theirs', () => {
    expect(waiterReader([{ ...spec, version: 'v2' }])(things)).toBeUndefined()
  })

  it.each([
    ['a note that nothing meets', { note: 'Only on Sundays.' }, 'its note is not met: Only on Sundays.'],
    [
      'a poll that there is not',
      { poll: [{ operationId: 'GetNothing' }] },
      'there is no operation getNothing',
    ],
    ['an answer without an id', { name: 'MakeThing' }, 'where does its answer tell thingId?'],
  ])('cannot be made of %s', (_what, over, message) => {
    expect(() => waiterReader([{ ...spec, ...over }])(things)).toThrow(message)
  })
})

const keyOf = ({ service, version }: { readonly service: string; readonly version: string }): string =>
  `${service}/${version}`
const nameOf = (name: string): string => name.charAt(0).toLowerCase() + name.slice(1)

function operationOf(service: Service, name: string): Operation | undefined {
  return service.operations.find((candidate) => candidate.name === name)
}

/** Whether the answer of an operation has a field. */
function hasField(service: Service, name: string, path: string): boolean {
  const steps = path.split('.')
  const polled = operationOf(service, name)
  return (
    polled !== undefined &&
    answerFields(service, polled, steps.slice(0, -1).join('.')).includes(steps.at(-1) ?? '')
  )
}

/** Everything that the documents say of waiters, and what becomes of it. */
function readAll() {
  const documents = openDocuments(stackitSpecs)
  const services = readServices(documents)
  const read = waiterReader(documents.waiters)
  const tables = new Map(services.map((service) => [keyOf(service), read(service)?.table ?? {}]))
  const rows = services.flatMap((service) =>
    Object.entries(tables.get(keyOf(service)) ?? {}).map(([name, row]) => ({
      key: keyOf(service),
      name,
      row,
      service,
    })),
  )
  const specs = documents.waiters
  return { documents, tables, rows, specs, shipped: specs.filter((waiter) => tables.has(keyOf(waiter))) }
}
let all: ReturnType<typeof readAll> | undefined
const once = (): ReturnType<typeof readAll> => (all ??= readAll())

describeWithDocuments('the waiters of the documents', () => {
  it('are 260, of which 227 belong to a document', () => {
    const { documents, rows, specs } = once()
    expect(specs).toHaveLength(260)
    expect(rows).toHaveLength(227)
    const counts = new Map<string, number>()
    for (const waiter of notShipped(specs, documents.index)) {
      counts.set(keyOf(waiter), (counts.get(keyOf(waiter)) ?? 0) + 1)
    }
    expect(Object.fromEntries(counts)).toEqual({
      'dremio/v1alpha': 6,
      'postgres-flex/v3beta1': 6,
      'sqlserverflex/v3beta2': 3,
      'telemetry-link/v1beta': 9,
      'telemetry-router/v1beta': 9,
    })
  })

  it('say what the rows of the reference say, but for what is adjusted', () => {
    const { shipped, tables } = once()
    for (const waiter of shipped) {
      const row = tables.get(keyOf(waiter))?.[nameOf(waiter.name)]
      const over = Object.assign(
        {},
        ...adjustmentsOf(keyOf(waiter), nameOf(waiter.name)).map((found) => found.row ?? {}),
      ) as Partial<WaiterRow>
      expect(row).toMatchObject({
        kind: waiter.kind,
        timeout: waiter.timeoutSeconds * 1000,
        ...(waiter.success.length > 0 ? { success: waiter.success } : {}),
        ...(waiter.failure.length > 0 ? { failure: waiter.failure } : {}),
        ...(waiter.goneStatuses.length > 0 ? { gone: waiter.goneStatuses } : {}),
        ...(waiter.sleepBeforeSeconds > 0 ? { pause: waiter.sleepBeforeSeconds * 1000 } : {}),
        ...(waiter.leaves === undefined ? {} : { leaves: waiter.leaves }),
        ...over,
      })
    }
  })

  it('have no note that is not met, and nothing is adjusted that is not there', () => {
    const { shipped, tables } = once()
    const unmet = shipped.filter(
      ({ note, ...waiter }) => note !== '' && adjustmentsOf(keyOf(waiter), nameOf(waiter.name)).length === 0,
    )
    expect(unmet).toEqual([])
    expect(shipped.filter(({ note }) => note !== '').length).toBe(79)
    const idle = adjustments.flatMap(({ services: keys, waiters }) =>
      keys.flatMap((key) =>
        waiters.filter((name) => tables.get(key)?.[name] === undefined).map((name) => `${key} ${name}`),
      ),
    )
    expect(idle).toEqual([])
  })

  it('name only rules that there are, and all of those', () => {
    const { rows } = once()
    const named = new Set(rows.flatMap(({ row: { rule } }) => (rule === undefined ? [] : [rule])))
    expect([...named].sort()).toEqual(Object.keys(rules).sort())
  })

  it('look only at fields that the answers have', () => {
    const { rows } = once()
    const strange = rows.flatMap(({ key, name, row, service }) => {
      const at = row.list === undefined ? [row.state, row.message, row.percent, row.match?.[0]] : [row.list]
      return at
        .filter((field) => field !== undefined && !hasField(service, row.poll, field))
        .map((field) => `${key} ${name}: ${field ?? ''}`)
    })
    expect(strange).toEqual([])
  })

  it('are begun by an operation, or there is a reason why not', () => {
    const { rows } = once()
    const without = rows
      .filter(({ row }) => row.submits === undefined)
      .map(({ key, name }) => `${key} ${name}`)
    const reasons = Object.entries(unsubmitted).flatMap(([key, names]) =>
      Object.keys(names).map((name) => `${key} ${name}`),
    )
    expect(without.sort()).toEqual(reasons.sort())
    const begun = rows.flatMap(({ key, row }) =>
      Object.keys(row.submits ?? {}).map((name) => `${key} ${name}`),
    )
    expect(new Set(begun).size).toBe(begun.length)
    const told = Object.entries(submits).flatMap(([key, byName]) =>
      Object.keys(byName).map((name) => `${key} ${name}`),
    )
    expect(told.filter((name) => !begun.includes(name))).toEqual([])
  })

  it('find their arguments where the submission has them', () => {
    const { rows } = once()
    const lost = rows.flatMap(({ key, row, service }) =>
      Object.entries(row.submits ?? {}).flatMap(([submit, { from = {}, keeps = [] }]) => [
        ...Object.values(from)
          .filter((source) => source.startsWith('result.') && !hasField(service, submit, source.slice(7)))
          .map((source) => `${key} ${submit}: ${source}`),
        ...keeps.filter((field) => !hasField(service, submit, field) || hasField(service, row.poll, field)),
      ]),
    )
    expect(lost).toEqual([])
  })

  it('keep every secret that only the submission tells', () => {
    const { rows } = once()
    const lost = rows.flatMap(({ key, row, service }) =>
      Object.entries(row.submits ?? {}).flatMap(([submit, { keeps = [] }]) => {
        const asked = operationOf(service, submit)
        if (asked === undefined || row.kind === 'gone') return []
        const places = ['', ...answerFields(service, asked, '')]
        return places
          .flatMap((place) =>
            answerFields(service, asked, place).map((field) => (place === '' ? field : `${place}.${field}`)),
          )
          .filter((field) => /password|secret|token\.|accessToken|uri$|content$/i.test(field))
          .filter(
            (field) =>
              !hasField(service, row.poll, field) && !keeps.includes(field) && row.then === undefined,
          )
          .map((field) => `${key} ${submit}: ${field}`)
      }),
    )
    expect(lost).toEqual([])
  })
})
