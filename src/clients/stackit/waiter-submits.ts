import { ResponseFormatError } from '../../errors.js'
import { header } from '../../http/codecs.js'
import type { HttpHeaders } from '../../http/types.js'
import type { OperationEvent } from '../../streams/events.js'
import { fieldOf } from './fields.js'
import type { Arguments } from './request-checks.js'
import type { SubmitRow } from './service-definition.js'

/** A request that was accepted, and its answer. */
export interface Submission {
  /** For errors. */
  readonly operation: string
  readonly args: Arguments
  readonly result: unknown
  readonly headers: HttpHeaders
}

/**
 * The arguments of the waiter, from those of the request and from its answer.
 *
 * @throws ResponseFormatError where the answer does not tell what is needed to watch
 */
export function argumentsFrom(
  { from = {} }: SubmitRow,
  names: readonly string[],
  submission: Submission,
): Arguments {
  const args: Record<string, unknown> = {}
  for (const name of names) {
    const source = from[name]
    const value = source === undefined ? submission.args[name] : valueFrom(source, submission)
    if (source !== undefined && (value === undefined || value === null || value === '')) {
      const { operation } = submission
      throw new ResponseFormatError(
        `${operation}: accepted, but cannot be watched: the answer has no ${source}`,
        {
          cloud: 'stackit',
          operation,
          issues: [`${source}: is missing`],
        },
      )
    }
    args[name] = value
  }
  return args
}

function valueFrom(source: string, { args, result, headers }: Submission): unknown {
  const dot = source.indexOf('.')
  const path = source.slice(dot + 1)
  switch (source.slice(0, dot)) {
    case 'args':
      return fieldOf(args, path)
    case 'header':
      return header({ headers }, path)
    default:
      return fieldOf(result, path)
  }
}

/** Puts into the result of the wait what only the answer to the request told: hidden, as there. */
export function keeping(
  { keeps = [] }: SubmitRow,
  answer: unknown,
): <E extends OperationEvent<unknown, unknown>>(event: E) => E {
  return (event) =>
    event.kind === 'done' && keeps.length > 0
      ? { ...event, result: keeps.reduce((result, path) => withField(result, path, answer), event.result) }
      : event
}

function withField(result: unknown, path: string, answer: unknown): unknown {
  const value = fieldOf(answer, path)
  return value === undefined ? result : withValue(result, path.split('.'), value)
}

/** A copy with a hidden field. What was hidden before is still there. */
function withValue(target: unknown, [name = '', ...rest]: readonly string[], value: unknown): unknown {
  const copy: object = Object.create(
    Object.prototype,
    typeof target === 'object' && target !== null ? Object.getOwnPropertyDescriptors(target) : {},
  ) as object
  const inner = rest.length === 0 ? value : withValue((copy as Record<string, unknown>)[name], rest, value)
  return Object.defineProperty(copy, name, {
    value: inner,
    enumerable: rest.length > 0,
    configurable: true,
  })
}
