import type { WaiterRow } from '../../src/clients/stackit/service-definition.js'
import { argumentFields, argumentsName, resultText } from '../generate/signatures.js'
import type { Operation, Service, Waiters } from '../generate/model.js'
import { text } from '../generate/names.js'
import { ambientParameters as ambient } from '../../src/clients/stackit/request-checks.js'

/** A waiter as it is written down. */
export interface WaiterToWrite {
  readonly service: Service
  readonly name: string
  readonly row: WaiterRow
  readonly operations: ReadonlyMap<string, Operation>
  readonly deprecated: boolean
}

/** The text of a service's waiters, as it grows. */
export interface WaiterText {
  readonly watch: string[]
  readonly run: string[]
  readonly types: Set<string>
  finished(): Omit<Waiters, 'table'>
}

export function emptyWaiterText({ typeName }: Service): WaiterText {
  const watch: string[] = []
  const run: string[] = []
  const types = new Set<string>()
  return {
    watch,
    run,
    types,
    finished: () => ({
      imports: {
        rxjs: ['Observable'],
        '../../errors.js': ['OperationRef'],
        '../../streams/events.js': ['OperationEvent'],
        '../../streams/operation.js': ['WatchOptions'],
        ...(run.length === 0 ? {} : { 'waiters.js': ['RunOptions'] }),
      },
      types: [...types].sort(),
      text: [declaration(`${typeName}Watch`, watch), declaration(`${typeName}Run`, run)].join('\n'),
    }),
  }
}

function declaration(name: string, lines: readonly string[]): string {
  return lines.length === 0
    ? `export type ${name} = Readonly<Record<never, never>>\n`
    : `export interface ${name} {\n${lines.map((line) => `  ${line}\n`).join('')}}\n`
}

/** Adds the methods of a waiter: one that watches, and one for each operation that begins it. */
export function waiterText(into: WaiterText, waiter: WaiterToWrite): void {
  const { name, row, operations } = waiter
  const polled = known(operations, row.poll)
  const { snapshot, result } = resultsOf(waiter, polled, into.types)
  const target = targetOf(waiter, polled, into.types)
  into.watch.push(
    ...remark(endText(row), waiter.deprecated),
    `${name}(${target}, options?: WatchOptions): ${events(snapshot, result)}`,
  )
  for (const [submit, { keeps = [] }] of Object.entries(row.submits ?? {})) {
    const operation = known(operations, submit)
    const args = argumentsName(operation)
    into.types.add(args)
    const optional = argumentFields(operation, ambient).every(({ required }) => !required)
    const told = keeps.length === 0 ? undefined : resultText(operation)
    for (const type of told?.types ?? []) into.types.add(type)
    into.run.push(
      ...remark(`Until \`watch.${name}\` is done.`, operation.deprecated === true),
      `${submit}(args${optional ? '?' : ''}: ${args}, options?: RunOptions): ${events(snapshot, told === undefined ? result : `${result} & ${told.text}`)}`,
    )
  }
}

function known(operations: ReadonlyMap<string, Operation>, name: string): Operation {
  const operation = operations.get(name)
  if (operation === undefined) throw new Error(`there is no operation ${name}`)
  return operation
}

function events(snapshot: string, result: string): string {
  return `Observable<OperationEvent<${snapshot === result ? snapshot : `${snapshot}, ${result}`}>>`
}

function targetOf({ row }: WaiterToWrite, polled: Operation, types: Set<string>): string {
  const name = argumentsName(polled)
  types.add(name)
  const fields = argumentFields(polled, ambient)
  const extra = row.match?.[1]
  const added =
    extra === undefined || fields.some((field) => field.name === extra)
      ? ''
      : ` & { readonly ${extra}: string }`
  const optional = added === '' && fields.every(({ required }) => !required)
  return `target${optional ? '?' : ''}: ${added === '' ? name : `(${name}${added})`} | OperationRef`
}

/** The types of what is polled, and of what is waited for. */
function resultsOf(
  { row, operations }: WaiterToWrite,
  polled: Operation,
  types: Set<string>,
): { readonly snapshot: string; readonly result: string } {
  const use = (operation: Operation): string => {
    const found = resultText(operation)
    for (const type of found.types) types.add(type)
    return found.text
  }
  const snapshot = use(polled)
  if (row.kind === 'gone' || row.kind === 'listLacks' || row.kind === 'networkAreaEmpty')
    return { snapshot, result: 'void' }
  if (row.kind === 'exists' && row.then !== undefined)
    return { snapshot, result: use(known(operations, row.then)) }
  if (row.list === undefined) return { snapshot, result: snapshot }
  return { snapshot, result: itemOf(snapshot, row.list) }
}

function itemOf(answer: string, list: string): string {
  return `NonNullable<${answer}[${text(list)}]>[number]`
}

// --- remarks --------------------------------------------------------------------------------------------------

function remark(words: string, deprecated: boolean): readonly string[] {
  return deprecated ? ['/**', ` * ${words}`, ' * @deprecated', ' */'] : [`/** ${words} */`]
}

/** What the waiter waits for, in a line. */
function endText({
  kind,
  state,
  success = [],
  failure = [],
  gone = [],
  leaves,
  via,
  then,
  list,
  match,
  timeout,
}: WaiterRow): string {
  const ends: Readonly<Record<WaiterRow['kind'], string>> = {
    state: `Until \`${state ?? ''}\` is ${either(success)}`,
    viaIntermediate: `Until \`${state ?? ''}\` is ${either(success)}, after ${via ?? ''}`,
    leaves: `Until \`${state ?? ''}\` is not ${leaves ?? ''}`,
    gone: `Until it is gone (${gone.join(', ')})`,
    exists: then === undefined ? 'Until it is there' : `Until \`${then}\` gives one`,
    firstSuccess: 'Until it is there',
    listContains: `Until \`${list ?? ''}\` has one with this \`${match?.[0] ?? ''}\``,
    listLacks: `Until \`${list ?? ''}\` has none with this \`${match?.[0] ?? ''}\``,
    request: 'Until the request is settled',
    networkAreaEmpty: 'Until the area has no projects',
  }
  const fails = failure.length === 0 ? '' : `; fails with ${either(failure)}`
  return `${ends[kind]}${fails}. At most ${String(timeout / 60_000)} min.`
}

function either(states: readonly string[]): string {
  return states.map((state) => (state === '' ? 'an empty one' : state)).join(', ')
}
