import {
  catchError,
  defaultIfEmpty,
  filter,
  from,
  map,
  mergeMap,
  of,
  take,
  throwError,
  type Observable,
} from 'rxjs'
import { isHttpError } from '../../errors.js'
import type { Operation } from '../../http/types.js'
import { nothing, segment } from '../../http/codecs.js'
import type { Verdict } from '../../streams/operation.js'
import { fieldOf } from './fields.js'
import type { WaiterRow } from './service-definition.js'
import {
  done,
  failed,
  isAmong,
  itemsOf,
  knownState,
  matches,
  pending,
  stateVerdict,
  verdictOf,
  wordsOf,
  type WaiterArguments,
} from './waiter-verdicts.js'

// What the table of waiters cannot say as data (stackit dossier 7.2, its notes).

/** What a rule has to go by beside the snapshot. */
export interface Inquiry {
  readonly row: WaiterRow
  readonly args: WaiterArguments
  /** The waiter's other question, and its id in errors. */
  readonly other: { readonly id: string; readonly ask: () => Observable<unknown> }
  /** Makes a call on the way, without retry. */
  readonly ask: <A>(operation: Operation<A, unknown>, args: A) => Observable<unknown>
}
export type Rule = (snapshot: unknown, inquiry: Inquiry) => Verdict<unknown> | Observable<Verdict<unknown>>

/** Makes the rule of a row; one that remembers what it saw is made for each wait. */
export function ruleOf(row: WaiterRow): Rule {
  if (row.rule !== undefined) {
    const rule = rules[row.rule]
    if (rule === undefined) throw new TypeError(`there is no rule ${row.rule}`)
    return rule
  }
  switch (row.kind) {
    case 'viaIntermediate':
      return viaIntermediate()
    case 'exists':
      return row.then === undefined ? byTable : otherExists
    case 'request':
      return requestSettled
    case 'networkAreaEmpty':
      return networkAreaEmpty
    default:
      return byTable
  }
}

const byTable: Rule = (snapshot, { row, args }) => verdictOf(row, snapshot, args)

/** By the names that the table of waiters uses. */
export const rules: Readonly<Record<string, Rule>> = {
  errorsFail,
  newestRestoreJob,
  observabilityMissing,
  usersAnswer,
}

/** A state is final only after another one was seen: until then it is the one from before. */
function viaIntermediate(): Rule {
  let passed = false
  return (snapshot, { row }) => {
    passed ||= knownState(row, snapshot) === row.via
    const verdict = stateVerdict(row, snapshot)
    return verdict.kind === 'done' && !passed ? pending(row, snapshot) : verdict
  }
}

/** A credential comes as long as its instance is in one of the good states. */
function otherExists(snapshot: unknown, { row, other }: Inquiry): ReturnType<Rule> {
  const state = knownState(row, snapshot)
  if (state !== undefined && !isAmong(row.success, state)) return failed(row, snapshot)
  return unlessAbsent(other.ask(), other.id).pipe(
    map((answer) => (answer === undefined ? pending(row, snapshot) : done(row, snapshot, answer))),
  )
}

/** `undefined` where there is nothing yet: the operation itself answers 404, and not the one that gives the token. */
export function unlessAbsent(answers: Observable<unknown>, operation: string): Observable<unknown> {
  return answers.pipe(
    map((answer) => answer ?? {}),
    catchError((error: unknown) =>
      isHttpError(error, 404) && error.operation === operation ? of(undefined) : throwError(() => error),
    ),
  )
}

const settled: Readonly<Record<string, string>> = { CREATE: 'CREATED', UPDATE: 'UPDATED', DELETE: 'DELETED' }

function requestSettled(snapshot: unknown, { row, args }: Inquiry): Verdict<unknown> {
  if (!matches(row, snapshot, args)) return verdictOf(row, snapshot, args)
  const action = wordsOf(fieldOf(snapshot, 'requestAction')) ?? 'none'
  const end = settled[action]
  if (end === undefined) return failed(row, snapshot, `the request is of no known kind: ${action}`)
  return knownState(row, snapshot) === end ? done(row, snapshot, snapshot) : stateVerdict(row, snapshot)
}

// The waiter of a service asks another service, which the client may not have been given.
const getProject: Operation<{ readonly id: string }, unknown> = {
  id: 'stackit.resourceManager.getProject',
  service: 'resource-manager',
  method: 'GET',
  path: '/v2/projects/{id}',
  success: [200],
  encode: ({ id }) => ({ path: `/v2/projects/${segment(id)}` }),
  decode: nothing,
}
const PROJECTS_AT_ONCE = 4

/** A project that still answers will not go away; one that does not is on its way, or may be. */
function networkAreaEmpty(snapshot: unknown, { row, ask }: Inquiry): ReturnType<Rule> {
  const projects = itemsOf(row, snapshot).map(String)
  if (projects.length === 0) return { kind: 'done', state: 'empty', result: undefined }
  const message = `${String(projects.length)} projects`
  const isThere = (id: string): Observable<boolean> =>
    ask(getProject, { id }).pipe(
      map(() => true),
      catchError(() => of(false)),
    )
  return from(projects).pipe(
    mergeMap(isThere, PROJECTS_AT_ONCE),
    filter((there) => there),
    take(1),
    map(
      () => ({ kind: 'failed', state: 'occupied', message, reason: 'the area has active projects' }) as const,
    ),
    defaultIfEmpty({ kind: 'pending', state: 'occupied', message } as const),
  )
}

/** An instance can be used when its users can be listed, which takes longer than its state says. */
function usersAnswer(snapshot: unknown, { row, other }: Inquiry): ReturnType<Rule> {
  const verdict = stateVerdict(row, snapshot)
  if (verdict.kind !== 'done') return verdict
  return other.ask().pipe(
    map(() => verdict),
    catchError((error: unknown) =>
      isHttpError(error) && error.status >= 500 ? of(pending(row, snapshot)) : throwError(() => error),
    ),
  )
}

/** What a load balancer reports as its errors will not mend itself. An empty list is no failure (dossier, audit). */
function errorsFail(snapshot: unknown, { row }: Inquiry): Verdict<unknown> {
  const errors = fieldOf(snapshot, 'errors')
  const failing = Array.isArray(errors) && errors.length > 0
  return failing ? failed(row, snapshot, 'errors are reported') : stateVerdict(row, snapshot)
}

const MISSING_OBSERVABILITY = 'SKE_OBSERVABILITY_INSTANCE_NOT_FOUND'

/** A cluster that is unhealthy only for want of its observability instance is as good as it will be. */
function observabilityMissing(snapshot: unknown, { row }: Inquiry): Verdict<unknown> {
  const settled =
    knownState(row, snapshot) === 'STATE_UNHEALTHY' &&
    fieldOf(snapshot, 'status.error.code') === MISSING_OBSERVABILITY &&
    fieldOf(snapshot, 'status.error.message') !== undefined
  return settled ? done(row, snapshot, snapshot) : stateVerdict(row, snapshot)
}

/** The state is that of the newest job for the backup. */
function newestRestoreJob(snapshot: unknown, { row, args }: Inquiry): Verdict<unknown> {
  const jobs = itemsOf(row, snapshot)
  if (jobs.length === 0) return { kind: 'failed', state: 'absent', reason: 'there are no restore jobs' }
  const [newest] = jobs
    .filter((job) => matches(row, job, args))
    .sort((left, right) => dateOf(right).localeCompare(dateOf(left)))
  return newest === undefined ? { kind: 'pending', state: 'absent' } : stateVerdict(row, newest)
}

/** RFC 3339 in UTC: the order of the texts is that of the times. */
function dateOf(job: unknown): string {
  return wordsOf(fieldOf(job, 'date')) ?? ''
}
