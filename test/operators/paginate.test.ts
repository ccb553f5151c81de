import { asapScheduler, defer, NEVER, Observable, observeOn, of, Subject, take, takeUntil } from 'rxjs'
import { describe, expect, expectTypeOf, it, vi } from 'vitest'
import { paginate } from '../../src/operators/index.js'
import { marbles } from '../../src/testing/marbles.js'
import { diagramOf, runExample, subscriptions } from './doc-comment.js'

interface Page {
  readonly items: readonly string[]
  readonly next?: Observable<Page> | undefined
}
const all = (first: Observable<Page>): Observable<string> =>
  paginate(
    first,
    (page) => page.next,
    (page) => page.items,
  )

describe('paginate', () => {
  it(
    'is as drawn',
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const line = diagramOf('operators/paginate')
      const second = cold<Page>(line('page 2').trim(), { q: { items: ['c', 'd'] } })
      const first = cold<Page>(line('page 1'), { p: { items: ['a', 'b'], next: second } })
      expectObservable(all(first)).toBe(line('result'))
      expectSubscriptions(first.subscriptions).toBe(subscriptions(line('request 1')))
      expectSubscriptions(second.subscriptions).toBe(subscriptions(line('request 2')))
    }),
  )

  it.each([
    [1, 'a', 1],
    [2, 'ab', 1],
    [3, 'abc', 2],
    [4, 'abcd', 2],
    [5, 'abcde', 3],
    [9, 'abcde', 3],
  ])('requests for take(%i) exactly the pages that hold %s', (count, items, pages) => {
    for (const via of [(page: Page) => of(page), (page: Page) => of(page).pipe(observeOn(asapScheduler))]) {
      marbles(({ flush }) => {
        const requested = vi.fn()
        const page = (name: string, next?: Observable<Page>): Observable<Page> =>
          defer(() => {
            requested()
            return via({ items: [...name], next })
          })
        const seen: string[] = []
        all(page('ab', page('cd', page('e'))))
          .pipe(take(count))
          .subscribe((item) => seen.push(item))
        flush()
        expect(seen.join('')).toBe(items)
        expect(requested).toHaveBeenCalledTimes(pages)
      })()
    }
  })

  it(
    'passes over an empty page',
    marbles(({ cold, expectObservable }) => {
      const third = cold<Page>('-r|', { r: { items: ['c'] } })
      const second = cold<Page>('-q|', { q: { items: [], next: third } })
      const first = cold<Page>('-p|', { p: { items: ['a'], next: second } })
      expectObservable(all(first)).toBe('-a---c|')
    }),
  )

  it(
    'completes with a page that has no value',
    marbles(({ cold, expectObservable }) => {
      expectObservable(all(cold('--|'))).toBe('--|')
    }),
  )

  it(
    'passes the error of a page after the items before it',
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const second = cold<Page>('--#')
      const first = cold<Page>('-p|', { p: { items: ['a'], next: second } })
      expectObservable(all(first)).toBe('-a--#')
      expectSubscriptions(second.subscriptions).toBe('--^-!')
    }),
  )

  it(
    'has what its functions throw as its error',
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const error = new Error('thrown')
      const fail = (): never => {
        throw error
      }
      const page = cold('-p|')
      expectObservable(paginate(page, fail, () => ['a'])).toBe('-(a#)', undefined, error)
      expectObservable(paginate(page, () => undefined, fail)).toBe('-#', undefined, error)
      expectSubscriptions(page.subscriptions).toBe(['^!', '^!'])
    }),
  )

  it(
    'cancels the page under way when unsubscribed, and requests no other',
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const second = cold<Page>('-----q|', { q: { items: ['b'] } })
      const first = cold<Page>('-p|', { p: { items: ['a'], next: second } })
      expectObservable(all(first), '----!').toBe('-a')
      expectSubscriptions(first.subscriptions).toBe('^-!')
      expectSubscriptions(second.subscriptions).toBe('--^-!')
    }),
  )

  it(
    'starts at the first page for each subscription',
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const second = cold<Page>('-(q|)', { q: { items: ['b'] } })
      const first = cold<Page>('-p|', { p: { items: ['a'], next: second } })
      const items = all(first)
      expectObservable(items).toBe('-a-(b|)')
      expectObservable(items).toBe('-a-(b|)')
      expectSubscriptions(second.subscriptions).toBe(['--^!', '--^!'])
    }),
  )

  it('stops in the middle of a page when its listener leaves', () => {
    const read: string[] = []
    const items = function* (): Generator<string> {
      for (const item of 'abcd') {
        read.push(item)
        yield item
      }
    }
    const next = vi.fn(() => NEVER)
    paginate(of(0), next, items).pipe(take(2)).subscribe()
    expect(read).toEqual(['a', 'b'])
    expect(next).not.toHaveBeenCalled()
  })

  it('does not request a page that nobody waits for any more', () => {
    const stop = new Subject<void>()
    const requested = vi.fn(() => NEVER)
    const next = (): Observable<number> => {
      stop.next()
      return defer(requested)
    }
    paginate(of(1), next, (page) => [page])
      .pipe(takeUntil(stop))
      .subscribe()
    expect(requested).not.toHaveBeenCalled()
  })

  it('does not grow the stack with 100,000 pages at once', () => {
    let sum = 0
    const done = vi.fn()
    paginate(
      of(1),
      (page) => (page < 100_000 ? of(page + 1) : undefined),
      (page) => [page],
    ).subscribe({ next: (item) => (sum += item), complete: done })
    expect(sum).toBe(5_000_050_000)
    expect(done).toHaveBeenCalledOnce()
  })

  it('has the type of the items', () => {
    expectTypeOf(all(NEVER)).toEqualTypeOf<Observable<string>>()
  })

  it(
    'has an example that runs',
    marbles(({ cold, expectObservable }) => {
      const list = vi.fn((from?: string) =>
        cold('----(p|)', {
          p: from === undefined ? { items: ['a', 'b'], next: '2' } : { items: ['c', 'd'] },
        }),
      )
      const items = runExample('operators/paginate', { paginate, list, take })
      expectObservable(items as Observable<string>).toBe('----(ab)(c|)')
    }),
  )
})
