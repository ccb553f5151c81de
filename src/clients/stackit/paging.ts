import { defer, map, type Observable } from 'rxjs'
import { ResponseFormatError } from '../../errors.js'
import { paginate } from '../../operators/paginate.js'
import { fieldOf } from './fields.js'
import type { Arguments } from './request-checks.js'
import type { PageRow } from './service-definition.js'

/** One page, and the arguments that gave it. */
interface Page {
  readonly args: Arguments
  readonly answer: unknown
}

/**
 * The items of all pages of a list, each page requested when it is needed (stackit dossier 10). It begins where `args` say.
 *
 * A service that gives the same page again, or names one that was there before, is a `ResponseFormatError`.
 */
export function listAll(
  row: PageRow,
  operation: string,
  args: Arguments,
  request: (args: Arguments) => Observable<unknown>,
): Observable<unknown> {
  return defer(() => {
    const repeats = repetitionOf(row, args)
    const pageOf = (at: Arguments): Observable<Page> => onlyPage(request(at), at)
    return paginate(
      pageOf(args),
      (page) => {
        const following = followingArguments(row, page)
        if (following === undefined) return undefined
        if (repeats(page, following)) throw goingInCircles(operation)
        return pageOf(following)
      },
      ({ answer }) => itemsOf(row, answer),
    )
  })
}

function onlyPage(answers: Observable<unknown>, args: Arguments): Observable<Page> {
  return answers.pipe(map((answer): Page => ({ args, answer })))
}

/** The arguments of the page after this one, or `undefined` after the last. */
function followingArguments(row: PageRow, { args, answer }: Page): Arguments | undefined {
  switch (row.kind) {
    case 'token': {
      const next = fieldOf(answer, row.next)
      const known = (typeof next === 'string' && next !== '') || typeof next === 'number'
      return known && more(row, answer) ? { ...args, [row.parameter]: next } : undefined
    }
    case 'number': {
      if (itemsOf(row, answer).length === 0) return undefined
      const number = numberOf(args[row.parameter]) ?? 1
      const last = row.last === undefined ? undefined : numberOf(fieldOf(answer, row.last))
      return last !== undefined && number >= last ? undefined : { ...args, [row.parameter]: number + 1 }
    }
    case 'offset': {
      const { length } = itemsOf(row, answer)
      const size = numberOf(args[row.size]) ?? numberOf(fieldOf(answer, row.size))
      if (length === 0 || (size !== undefined && length < size)) return undefined
      return { ...args, [row.parameter]: (numberOf(args[row.parameter]) ?? 0) + length }
    }
  }
}

function more({ more: field }: Extract<PageRow, { kind: 'token' }>, answer: unknown): boolean {
  return field === undefined || fieldOf(answer, field) !== false
}

function itemsOf({ items }: PageRow, answer: unknown): readonly unknown[] {
  const found = items === '' ? answer : fieldOf(answer, items)
  return Array.isArray(found) ? found : []
}

/** Numbers also come as texts. */
function numberOf(value: unknown): number | undefined {
  const number = typeof value === 'string' && value.trim() !== '' ? Number(value) : value
  return typeof number === 'number' && Number.isFinite(number) ? number : undefined
}

// --- pages that come again --------------------------------------------------------------------------------------

type Repetition = (page: Page, following: Arguments) => boolean

/**
 * Whether the service leads in a circle. Of the names of pages one is kept, of ever later pages (Brent's way of finding
 * circles of any length); where pages are counted, the content of the one before.
 */
function repetitionOf(row: PageRow, args: Arguments): Repetition {
  if (row.kind === 'token') {
    let kept = args[row.parameter]
    let steps = 0
    let keptFor = 1
    return (_page, following) => {
      const next = following[row.parameter]
      if (next === kept) return true
      if (++steps === keptFor) {
        kept = next
        keptFor *= 2
        steps = 0
      }
      return false
    }
  }
  let before: string | undefined
  return ({ answer }) => {
    const content = JSON.stringify(itemsOf(row, answer))
    if (content === before) return true
    before = content
    return false
  }
}

function goingInCircles(operation: string): ResponseFormatError {
  return new ResponseFormatError(`${operation}: the service gives a page of the list that was there before`, {
    cloud: 'stackit',
    operation,
    issues: ['the next page: was there before'],
  })
}
