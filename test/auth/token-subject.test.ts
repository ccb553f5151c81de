import { inspect } from 'node:util'
import fc from 'fast-check'
import {
  concat,
  config,
  defer,
  EMPTY,
  map,
  mergeMap,
  NEVER,
  Observable,
  of,
  skip,
  Subject,
  Subscription,
  take,
  throwError,
  timer,
} from 'rxjs'
import { describe, expect, it } from 'vitest'
import type { Token, TokenState } from '../../src/auth/token.js'
import { TokenSubject, type TokenSubjectOptions } from '../../src/auth/token-subject.js'
import { NetworkError, TokenError } from '../../src/errors.js'
import { createTraffic } from '../../src/http/traffic.js'
import { constant } from '../../src/operators/backoff.js'
import { MAX_DELAY_MS, type Runtime } from '../../src/runtime.js'
import { marbles, type MarbleHelpers } from '../../src/testing/marbles.js'
import { diagramOf } from '../operators/doc-comment.js'

const hour = 3_600_000
const outage = new NetworkError('the token service cannot be reached', { retryable: true })

/** The states as words: `valid:1`, `refreshing:1`, `failed` … */
function words(state: TokenState): string {
  const token = 'token' in state ? `:${state.token.value}` : ''
  return state.kind + token
}

interface Counter {
  (previous?: Token): Observable<Token>
  readonly previous: (string | undefined)[]
}

/** Acquires tokens 1, 2, 3 … of the given life, each after `takes` ms. */
function counting(runtime: Runtime, { life, takes = 0 }: { life?: number; takes?: number } = {}): Counter {
  const previous: (string | undefined)[] = []
  const acquire = (before?: Token): Observable<Token> => {
    previous.push(before?.value)
    const value = String(previous.length)
    const token = (): Token => {
      const obtainedAt = runtime.scheduler.now()
      return { value, obtainedAt, ...(life === undefined ? {} : { expiresAt: obtainedAt + life }) }
    }
    return takes === 0 ? defer(() => of(token())) : timer(takes, runtime.scheduler).pipe(map(token))
  }
  return Object.assign(acquire, { previous })
}

function at(runtime: Runtime, ms: number, action: () => void): void {
  runtime.scheduler.schedule(action, ms)
}

/** Fixed chance: margins without jitter. */
function steady({ runtime }: MarbleHelpers): Runtime {
  return { ...runtime, random: () => 0 }
}

const value = map((token: Token) => token.value)

describe('the first token', () => {
  it(
    'is acquired once for all callers, as in the diagram',
    marbles(({ cold, expectObservable, expectSubscriptions, runtime }) => {
      const line = diagramOf('auth/token-subject')
      const acquisition = cold<Token>(line('acquisition'), { t: { value: 't', obtainedAt: 0 } })
      const tokens = new TokenSubject({ acquire: () => acquisition, runtime })
      const callers = cold(line('callers')).pipe(mergeMap((name) => tokens.token().pipe(map(() => name))))

      expectObservable(callers).toBe(line('tokens'))
      expectObservable(tokens.pipe(map(({ kind }) => kind[0]))).toBe(line('states'))
      expectSubscriptions(acquisition.subscriptions).toBe('^---!')
    }),
  )

  it('is emitted as a state before callers have it, so that whoever keeps it is first', () => {
    const acquired = new Subject<Token>()
    const tokens = new TokenSubject({ acquire: () => acquired })
    const order: string[] = []
    tokens.token().subscribe((token) => order.push(`caller ${token.value}`))
    tokens.subscribe((state) => order.push(words(state)))
    acquired.next({ value: 't', obtainedAt: 0 })
    expect(order).toEqual(['refreshing', 'valid:t', 'caller t'])
  })

  it('costs one acquisition for 1,000 concurrent callers', () => {
    const acquired = new Subject<Token>()
    let acquisitions = 0
    const tokens = new TokenSubject({
      acquire: () => {
        acquisitions++
        return acquired
      },
    })
    const got: string[] = []
    for (let caller = 0; caller < 1_000; caller++) tokens.token().subscribe((token) => got.push(token.value))
    acquired.next({ value: 't', obtainedAt: 0 })
    expect(acquisitions).toBe(1)
    expect(got).toEqual(Array.from({ length: 1_000 }, () => 't'))
  })

  it(
    'arrives although the caller who asked for it has left',
    marbles((helpers) => {
      const { expectObservable, cold, expectSubscriptions } = helpers
      const runtime = steady(helpers)
      const source = cold<Token>('---t', { t: { value: '1', obtainedAt: 0 } })
      const tokens = new TokenSubject({ acquire: () => source, runtime })
      expectObservable(tokens.token(), '-!').toBe('-')
      expectObservable(tokens.token().pipe(value), '--^').toBe('---(1|)')
      expectSubscriptions(source.subscriptions).toBe('^--!')
    }),
  )

  it('is not asked for before somebody subscribes', () => {
    let acquisitions = 0
    const tokens = new TokenSubject({
      acquire: (): Observable<Token> => {
        acquisitions++
        return NEVER
      },
    })
    const cold = [tokens.token(), tokens.refresh()]
    expect(cold).toHaveLength(2)
    expect(tokens.value).toEqual({ kind: 'idle' })
    expect(tokens.current()).toBeUndefined()
    expect(acquisitions).toBe(0)
  })

  it('is given synchronously by an acquisition that is synchronous', () => {
    const tokens = new TokenSubject({ acquire: () => of({ value: 's', obtainedAt: 0 }) })
    let got: string | undefined
    tokens.token().subscribe((token) => (got = token.value))
    expect(got).toBe('s')
    expect(tokens.current()?.value).toBe('s')
  })
})

describe('renewal ahead of time', () => {
  it(
    'happens at 80 % of the life of a token in use, with the old one in use meanwhile',
    marbles((helpers) => {
      const runtime = steady(helpers)
      const acquire = counting(runtime, { life: 100_000, takes: 10 })
      const tokens = new TokenSubject({ acquire, runtime })
      tokens.token().subscribe()
      at(runtime, 80_009, () => {
        expect(words(tokens.value)).toBe('valid:1')
      })
      at(runtime, 80_012, () => {
        expect(words(tokens.value)).toBe('refreshing:1')
        expect(tokens.current()?.value).toBe('1')
      })
      at(runtime, 80_021, () => {
        expect(words(tokens.value)).toBe('valid:2')
        expect(acquire.previous).toEqual([undefined, '1'])
      })
      at(runtime, 1_000_000, () => {
        tokens.close()
      })
    }),
  )

  it(
    'happens five minutes before the end of a long life',
    marbles((helpers) => {
      const runtime = steady(helpers)
      const acquire = counting(runtime, { life: 10 * hour })
      const tokens = new TokenSubject({ acquire, runtime })
      tokens.token().subscribe()
      at(runtime, 10 * hour - 300_001, () => {
        expect(acquire.previous).toHaveLength(1)
      })
      at(runtime, 10 * hour - 299_999, () => {
        expect(acquire.previous).toHaveLength(2)
        tokens.close()
      })
    }),
  )

  it(
    'ends when the token is not used any more',
    marbles((helpers) => {
      const runtime = steady(helpers)
      const acquire = counting(runtime, { life: 100_000 })
      const tokens = new TokenSubject({ acquire, runtime })
      tokens.token().subscribe()
      at(runtime, 200_000, () => {
        expect(acquire.previous).toHaveLength(2)
        expect(tokens.current()).toBeUndefined()
        tokens.token().subscribe()
        expect(acquire.previous).toHaveLength(3)
      })
      at(runtime, 250_000, () => tokens.current())
      at(runtime, 281_000, () => {
        expect(acquire.previous).toHaveLength(4)
      })
      at(runtime, 2_000_000, () => {
        expect(acquire.previous).toHaveLength(4)
      })
    }),
  )

  it(
    'goes on while somebody observes',
    marbles((helpers) => {
      const runtime = steady(helpers)
      const acquire = counting(runtime, { life: 100_000 })
      const tokens = new TokenSubject({ acquire, runtime })
      const observer = tokens.pipe(map(words)).subscribe()
      tokens.token().subscribe()
      at(runtime, 400_001, () => {
        expect(acquire.previous).toHaveLength(6)
        observer.unsubscribe()
      })
      at(runtime, 2_000_000, () => {
        expect(acquire.previous).toHaveLength(6)
      })
    }),
  )

  it(
    'is started by the next use if no timer fired in time, as after the sleep of a laptop',
    marbles((helpers) => {
      const awake = steady(helpers)
      const asleep = { now: () => 0, schedule: () => new Subscription() }
      const acquire = counting(awake, { life: 100_000, takes: 5 })
      const tokens = new TokenSubject({ acquire, runtime: { ...awake, background: asleep } })
      tokens.token().subscribe()
      at(awake, 90_000, () => {
        expect(tokens.current()?.value).toBe('1')
        expect(words(tokens.value)).toBe('refreshing:1')
      })
      at(awake, 90_006, () => {
        expect(tokens.current()?.value).toBe('2')
      })
      at(awake, 500_000, () => {
        expect(tokens.current()).toBeUndefined()
        expect(acquire.previous).toHaveLength(2)
      })
    }),
  )

  it(
    'comes in time for a life that no timer can hold',
    marbles((helpers) => {
      const runtime = steady(helpers)
      const delays: number[] = []
      const background: Runtime['background'] = {
        now: () => runtime.scheduler.now(),
        schedule: (work, delay = 0, state) => {
          delays.push(delay)
          return runtime.background.schedule(work, delay, state as never)
        },
      }
      const life = 3 * MAX_DELAY_MS
      const acquire = counting(runtime, { life })
      const tokens = new TokenSubject({ acquire, runtime: { ...runtime, background } })
      tokens.token().subscribe()
      at(runtime, life - 300_001, () => {
        expect(acquire.previous).toHaveLength(1)
      })
      at(runtime, life - 299_999, () => {
        expect(acquire.previous).toHaveLength(2)
        expect(Math.max(...delays)).toBe(MAX_DELAY_MS)
        tokens.close()
      })
    }),
  )

  it(
    'is never a tight loop, however short the life',
    marbles((helpers) => {
      const runtime = steady(helpers)
      const acquire = counting(runtime, { life: 1 })
      const tokens = new TokenSubject({ acquire, runtime })
      tokens.subscribe()
      tokens.token().subscribe()
      at(runtime, 10_001, () => {
        expect(acquire.previous).toHaveLength(11)
        tokens.close()
      })
    }),
  )

  it(
    'does not exist for a token without end',
    marbles((helpers) => {
      const runtime = steady(helpers)
      const acquire = counting(runtime)
      const tokens = new TokenSubject({ acquire, runtime })
      tokens.subscribe()
      tokens.token().subscribe()
      at(runtime, 1_000 * hour, () => {
        expect(tokens.current()?.value).toBe('1')
        expect(acquire.previous).toHaveLength(1)
      })
    }),
  )
})

describe('failures', () => {
  it(
    'reach all callers and are a state; the next caller tries again',
    marbles((helpers) => {
      const { cold, expectObservable } = helpers
      const runtime = steady(helpers)
      let attempt = 0
      const acquire = (): Observable<Token> =>
        attempt++ === 0 ? cold<Token>('--#', {}, outage) : cold('-t', { t: { value: '2', obtainedAt: 0 } })
      const tokens = new TokenSubject({ acquire, runtime })
      expectObservable(tokens.token()).toBe('--#', {}, outage)
      expectObservable(tokens.token(), '-^').toBe('--#', {}, outage)
      expectObservable(tokens.token().pipe(value), '-----^').toBe('------(2|)')
      expectObservable(tokens.pipe(map(words)), '^------!').toBe('r-f--rv', {
        r: 'refreshing',
        f: 'failed',
        v: 'valid:2',
      })
    }),
  )

  it(
    'of a renewal ahead of time bother nobody while the old token is good, and pass',
    marbles((helpers) => {
      const runtime = steady(helpers)
      const good = counting(runtime, { life: 100_000 })
      const instants: number[] = []
      const acquire = (previous?: Token): Observable<Token> => {
        instants.push(runtime.scheduler.now())
        return instants.length === 2 || instants.length === 3 ? throwError(() => outage) : good(previous)
      }
      const tokens = new TokenSubject({ acquire, runtime, backoff: constant(4_000) })
      const errors: unknown[] = []
      tokens.token().subscribe({ error: (error: unknown) => errors.push(error) })
      at(runtime, 80_001, () => {
        expect(words(tokens.value)).toBe('failed:1')
        tokens.token().subscribe({ error: (error: unknown) => errors.push(error) })
        expect(tokens.current()?.value).toBe('1')
      })
      at(runtime, 88_001, () => {
        expect(words(tokens.value)).toBe('valid:2')
        expect(instants).toEqual([0, 80_000, 84_000, 88_000])
        expect(errors).toEqual([])
        tokens.close()
      })
    }),
  )

  it(
    'bother callers from the hard margin on, where the pauses end too',
    marbles((helpers) => {
      const runtime = steady(helpers)
      const good = counting(runtime, { life: 100_000 })
      let failures = 0
      const acquire = (previous?: Token): Observable<Token> =>
        previous === undefined
          ? good()
          : defer(() => {
              failures++
              return throwError(() => outage)
            })
      const tokens = new TokenSubject({ acquire, runtime, backoff: constant(4_000) })
      const errors: unknown[] = []
      tokens.token().subscribe()
      at(runtime, 94_999, () => {
        expect(tokens.current()?.value).toBe('1')
        expect(failures).toBe(4)
      })
      at(runtime, 95_000, () => {
        expect(tokens.current()).toBeUndefined()
        tokens.token().subscribe({ error: (error: unknown) => errors.push(error) })
        expect(errors).toEqual([outage])
        expect(words(tokens.value)).toBe('failed')
      })
      at(runtime, 10 * hour, () => {
        expect(failures).toBe(5)
      })
    }),
  )

  it('become a TokenError if they are not ours, without the secrets in their words', () => {
    const secret = 'very-secret-value'
    const tokens = new TokenSubject({
      cloud: 'agave',
      initial: { value: secret, obtainedAt: 0, refreshToken: 'refresh-secret' },
      acquire: (previous) => {
        throw new RangeError(`the vault refused ${previous?.value ?? ''} and ${previous?.refreshToken ?? ''}`)
      },
    })
    let error: unknown
    tokens.refresh().subscribe({ error: (reason: unknown) => (error = reason) })
    expect(error).toBeInstanceOf(TokenError)
    const { message, cause, cloud } = error as TokenError
    expect(message).toBe('no token for agave: the acquisition failed')
    expect(cloud).toBe('agave')
    expect(String(cause)).toBe('RangeError: the vault refused [redacted] and [redacted]')
    expect(inspect(error, { depth: 9 })).not.toMatch(/secret/)
  })

  it.each([
    ['an acquisition without a value', () => EMPTY, /completed without a token/],
    ['a value that is no token', () => of({} as Token), /gave no token/],
    ['something thrown that is no error', () => throwError(() => ({ password: 'x' })), /acquisition failed/],
  ])('of all kinds are typed: %s', (_, acquire, message) => {
    const tokens = new TokenSubject({ acquire })
    let error: unknown
    tokens.token().subscribe({ error: (reason: unknown) => (error = reason) })
    expect(error).toBeInstanceOf(TokenError)
    expect((error as TokenError).message).toMatch(message)
    expect(tokens.value).toMatchObject({ kind: 'failed', error })
  })

  it('put in from outside are a state, and the subject lives', () => {
    const tokens = new TokenSubject({ acquire: () => of({ value: '1', obtainedAt: 0 }) })
    const seen: string[] = []
    tokens.subscribe((state) => seen.push(words(state)))
    tokens.error(new Error('from a pipe'))
    tokens.token().subscribe()
    tokens.error(outage)
    expect(tokens.value).toMatchObject({ kind: 'failed', error: outage })
    expect(tokens.current()?.value).toBe('1')
    expect(seen).toEqual(['idle', 'failed', 'refreshing', 'valid:1', 'failed:1'])
  })

  it('of an observer harm neither the other observers nor the callers', async () => {
    const reported = new Promise<unknown>((resolve) => {
      config.onUnhandledError = resolve
    })
    const tokens = new TokenSubject({ acquire: () => of({ value: '1', obtainedAt: 0 }) })
    const seen: string[] = []
    let got: string | undefined
    tokens.pipe(skip(1), take(1)).subscribe(() => {
      throw new Error('observer')
    })
    tokens.subscribe((state) => seen.push(words(state)))
    tokens.token().subscribe((token) => (got = token.value))
    expect(seen).toEqual(['idle', 'refreshing', 'valid:1'])
    expect(got).toBe('1')
    expect(await reported).toEqual(new Error('observer'))
    config.onUnhandledError = null
  })
})

describe('invalidate and refresh', () => {
  it('drops the current token and no other', () => {
    let count = 0
    const tokens = new TokenSubject({ acquire: () => of({ value: String(++count), obtainedAt: 0 }) })
    let first: Token | undefined
    tokens.token().subscribe((token) => (first = token))
    tokens.refresh().subscribe()
    expect(tokens.current()?.value).toBe('2')
    tokens.invalidate(first!)
    expect(tokens.current()?.value).toBe('2')
    tokens.invalidate(tokens.current()!)
    expect(tokens.current()).toBeUndefined()
    expect(tokens.value).toEqual({ kind: 'idle' })
    tokens.invalidate(first!)
    expect(tokens.value).toEqual({ kind: 'idle' })
  })

  it(
    'joins an acquisition under way, whoever asks and however often',
    marbles((helpers) => {
      const runtime = steady(helpers)
      const acquire = counting(runtime, { takes: 10 })
      const tokens = new TokenSubject({ acquire, runtime })
      const got: string[] = []
      for (const ask of [tokens.token(), tokens.refresh(), tokens.refresh()]) {
        ask.subscribe((token) => got.push(token.value))
      }
      at(runtime, 11, () => {
        expect(got).toEqual(['1', '1', '1'])
        for (const ask of [tokens.refresh(), tokens.refresh()])
          ask.subscribe((token) => got.push(token.value))
        expect(words(tokens.value)).toBe('refreshing:1')
        tokens.invalidate(tokens.current()!)
        expect(words(tokens.value)).toBe('refreshing')
      })
      at(runtime, 22, () => {
        expect(got).toEqual(['1', '1', '1', '2', '2'])
        expect(acquire.previous).toEqual([undefined, '1'])
      })
    }),
  )

  it('hands the refused token on, for its refresh token', () => {
    const previous: (string | undefined)[] = []
    const tokens = new TokenSubject({
      acquire: (before) => {
        previous.push(before?.refreshToken)
        return of({
          value: String(previous.length),
          obtainedAt: 0,
          refreshToken: `r${String(previous.length)}`,
        })
      },
    })
    tokens.token().subscribe()
    tokens.invalidate(tokens.current()!)
    tokens.token().subscribe()
    expect(previous).toEqual([undefined, 'r1'])
  })
})

describe('a token put in from outside', () => {
  it('overtakes an acquisition under way, whose late result changes nothing', () => {
    const acquired = new Subject<Token>()
    const tokens = new TokenSubject({ acquire: () => acquired })
    const got: string[] = []
    tokens.token().subscribe((token) => got.push(token.value))
    tokens.next({ kind: 'valid', token: { value: 'restored', obtainedAt: 0 } })
    expect(got).toEqual(['restored'])
    expect(acquired.observed).toBe(false)
    acquired.next({ value: 'late', obtainedAt: 0 })
    expect(tokens.current()?.value).toBe('restored')
  })

  it('as the initial one is used if it still lives, and for its refresh token otherwise', () => {
    const now = Date.now()
    const previous: (string | undefined)[] = []
    const options = {
      acquire: (before?: Token) => {
        previous.push(before?.refreshToken)
        return of({ value: 'new', obtainedAt: now })
      },
    }
    const kept = new TokenSubject({
      ...options,
      initial: { value: 'kept', obtainedAt: now, expiresAt: now + hour },
    })
    expect(words(kept.value)).toBe('valid:kept')
    expect(kept.current()?.value).toBe('kept')
    const over = new TokenSubject({
      ...options,
      initial: { value: 'over', obtainedAt: now - hour, expiresAt: now - 1, refreshToken: 'r' },
    })
    expect(over.value).toEqual({ kind: 'idle' })
    over.token().subscribe()
    expect(over.current()?.value).toBe('new')
    expect(previous).toEqual(['r'])
    kept.close()
  })

  it('may be dropped and asked for as states, too', () => {
    const tokens = new TokenSubject({ acquire: () => of({ value: '1', obtainedAt: 0 }) })
    tokens.next({ kind: 'refreshing' })
    expect(words(tokens.value)).toBe('valid:1')
    tokens.next({ kind: 'idle' })
    expect(tokens.value).toEqual({ kind: 'idle' })
    tokens.next({ kind: 'failed', error: outage })
    expect(tokens.value).toEqual({ kind: 'failed', error: outage })
  })
})

describe('close', () => {
  it('completes observers, fails callers, ends the acquisition and the timer', () => {
    const acquired = new Subject<Token>()
    const tokens = new TokenSubject({ acquire: () => acquired, cloud: 'stackit' })
    const seen: string[] = []
    tokens.token().subscribe({ error: (error: Error) => seen.push(error.message) })
    tokens.subscribe({ complete: () => seen.push('complete') })
    tokens.close()
    tokens.close()
    tokens.complete()
    tokens.unsubscribe()
    expect(acquired.observed).toBe(false)
    tokens.token().subscribe({ error: (error: Error) => seen.push(error.message) })
    tokens.refresh().subscribe({ error: (error: unknown) => seen.push((error as TokenError).code) })
    expect(seen).toEqual([
      'complete',
      'no token for stackit: the client is closed',
      'no token for stackit: the client is closed',
      'SKY_TOKEN',
    ])
    expect(tokens.current()).toBeUndefined()
    expect(tokens.value.kind).toBe('refreshing')
    tokens.next({ kind: 'idle' })
    tokens.error(outage)
    tokens.invalidate({ value: 'x', obtainedAt: 0 })
    expect(tokens.value.kind).toBe('refreshing')
  })

  it(
    'leaves no timer behind',
    marbles((helpers) => {
      const runtime = steady(helpers)
      const acquire = counting(runtime, { life: 1_000 })
      const tokens = new TokenSubject({ acquire, runtime })
      tokens.subscribe()
      tokens.token().subscribe()
      at(runtime, 500, () => {
        tokens.close()
      })
      at(runtime, 5_000, () => {
        expect(acquire.previous).toHaveLength(1)
      })
    }),
  )

  it('may come from an observer, at any state', () => {
    for (const kind of ['refreshing', 'valid'] as const) {
      let acquisitions = 0
      const tokens = new TokenSubject({
        acquire: () => {
          acquisitions++
          return of({ value: '1', obtainedAt: 0 })
        },
      })
      tokens.subscribe((state) => {
        if (state.kind === kind) tokens.close()
      })
      const ends: string[] = []
      tokens.token().subscribe({
        next: (token) => ends.push(token.value),
        error: (error: Error) => ends.push(error.message),
      })
      expect(ends).toEqual(kind === 'valid' ? ['1'] : ['no token: the client is closed'])
      expect(acquisitions).toBe(kind === 'valid' ? 1 : 0)
    }
  })
})

it('takes nothing from an acquisition that closes it, or puts a token in, and emits all the same', () => {
  const closing: TokenSubject = new TokenSubject({
    acquire: () => {
      closing.close()
      return of({ value: 'too late', obtainedAt: 0 })
    },
  })
  const errors: unknown[] = []
  closing.token().subscribe({ error: (error: unknown) => errors.push(error) })
  expect(closing.current()).toBeUndefined()
  expect(errors).toMatchObject([{ message: 'no token: the client is closed' }])

  const overtaken: TokenSubject = new TokenSubject({
    acquire: () => {
      overtaken.next({ kind: 'valid', token: { value: 'put in', obtainedAt: 0 } })
      return of({ value: 'too late', obtainedAt: 0 })
    },
  })
  const got: string[] = []
  overtaken.token().subscribe((token) => got.push(token.value))
  expect(got).toEqual(['put in'])
  expect(overtaken.current()?.value).toBe('put in')
})

it('shows all observers all states in one order, even if one of them calls back', () => {
  let count = 0
  const tokens = new TokenSubject({ acquire: () => of({ value: String(++count), obtainedAt: 0 }) })
  const first: string[] = []
  const second: string[] = []
  tokens.subscribe((state) => {
    first.push(words(state))
    if (state.kind === 'valid' && count === 1) tokens.invalidate(state.token)
    if (state.kind === 'idle' && count === 1) tokens.token().subscribe()
  })
  tokens.subscribe((state) => second.push(words(state)))
  tokens.token().subscribe()
  expect(first).toEqual(['idle', 'refreshing', 'valid:1', 'idle', 'refreshing', 'valid:2'])
  expect(second).toEqual(first)
})

it('tells traffic of its states, which does not keep a token fresh', () => {
  const traffic = createTraffic()
  const tokens = new TokenSubject({
    traffic,
    acquire: () => of({ value: 'secret-1', obtainedAt: 0, expiresAt: 5 }),
  })
  const events: unknown[] = []
  traffic.events.subscribe((event) => events.push(event))
  tokens.token().subscribe()
  expect(events).toEqual([
    { kind: 'token', state: 'refreshing' },
    { kind: 'token', state: 'valid', expiresAt: 5 },
  ])
  expect(tokens.observed).toBe(false)
  tokens.close()
})

it('shows no secret, however it is printed', () => {
  const tokens = new TokenSubject({
    acquire: () => of({ value: 'top-secret', obtainedAt: 0, refreshToken: 'secret-too' }),
  })
  tokens.token().subscribe()
  const token = tokens.current()!
  expect([token.value, token.refreshToken]).toEqual(['top-secret', 'secret-too'])
  const state = tokens.value
  tokens.error(new Error('the vault refused top-secret'))
  for (const thing of [token, state, tokens, tokens.value, { tokens, state, list: [token] }]) {
    // eslint-disable-next-line @typescript-eslint/no-base-to-string
    const prints = [JSON.stringify(thing), inspect(thing, { depth: 9, showHidden: false }), String(thing)]
    for (const print of prints) expect(print).not.toMatch(/secret/)
  }
  expect(JSON.stringify(state)).toContain('"value":"[redacted]"')
  expect(inspect(tokens)).toContain('[redacted]')
})

describe('whatever happens in whatever order', () => {
  const action = fc.oneof(
    {
      weight: 5,
      arbitrary: fc.record({ kind: fc.constantFrom('token', 'leave', 'current'), ms: fc.nat(400) }),
    },
    {
      weight: 2,
      arbitrary: fc.record({
        kind: fc.constantFrom('refresh', 'refused', 'late', 'observe'),
        ms: fc.nat(400),
      }),
    },
  )
  const acquisition = fc.record({
    takes: fc.nat(300),
    life: fc.integer({ min: -10, max: 5_000 }),
    ends: fc.constantFrom('token', 'token', 'token', 'error', 'empty', 'throws'),
  })

  it('there is one acquisition at a time, every caller is answered once, and no unusable token is handed out', () => {
    fc.assert(
      fc.property(
        fc.array(action, { maxLength: 40 }),
        fc.array(acquisition, { minLength: 1, maxLength: 8 }),
        fc.integer(),
        (actions, acquisitions, seed) => {
          marbles(
            ({ runtime }) => {
              check(runtime, actions, acquisitions)
            },
            { seed },
          )()
        },
      ),
      { numRuns: 200 },
    )
  })
})

function check(
  runtime: Runtime,
  actions: readonly { kind: string; ms: number }[],
  acquisitions: readonly { takes: number; life: number; ends: string }[],
): void {
  const { scheduler } = runtime
  let running = 0
  let mostAtOnce = 0
  let started = 0
  const acquire: TokenSubjectOptions['acquire'] = () => {
    const plan = acquisitions[started++ % acquisitions.length]!
    if (plan.ends === 'throws') throw new Error('thrown')
    return new Observable<Token>((subscriber) => {
      running++
      mostAtOnce = Math.max(mostAtOnce, running)
      subscriber.add(() => running--)
      const answer = defer(() => {
        const obtainedAt = scheduler.now()
        if (plan.ends === 'error') return throwError(() => outage)
        if (plan.ends === 'empty') return EMPTY
        return of({ value: String(started), obtainedAt, expiresAt: obtainedAt + plan.life })
      })
      const wait = plan.takes < 50 ? EMPTY : timer(plan.takes, scheduler).pipe(mergeMap(() => EMPTY))
      subscriber.add(concat(wait, answer).subscribe(subscriber))
    })
  }
  const tokens = new TokenSubject({ acquire, runtime })
  const seen: Token[] = []
  const answers: number[] = []
  let asked = 0
  const observers: Subscription[] = []
  const ask = (source: Observable<Token>): Subscription => {
    const caller = asked++
    answers[caller] = 0
    return source.subscribe({
      next: (token) => {
        answers[caller]!++
        seen.push(token)
      },
      error: () => answers[caller]!++,
    })
  }
  const perform: Record<string, () => void> = {
    token: () => ask(tokens.token()),
    refresh: () => ask(tokens.refresh()),
    leave: () => {
      const before = answers.length
      ask(tokens.token()).unsubscribe()
      answers[before] = 1
    },
    current: () => {
      const token = tokens.current()
      if (token?.expiresAt !== undefined) expect(scheduler.now()).toBeLessThan(token.expiresAt)
    },
    refused: () => {
      const token = tokens.current()
      if (token === undefined) return
      tokens.invalidate(token)
      expect(tokens.current()).toBeUndefined()
    },
    late: () => {
      const [old] = seen
      const now = tokens.current()
      if (old === undefined || now?.value === old.value) return
      tokens.invalidate(old)
      expect(tokens.current()).toBe(now)
    },
    observe: () => observers.push(tokens.subscribe()),
  }
  let when = 0
  for (const { kind, ms } of actions) {
    when += ms
    at(runtime, when, perform[kind]!)
  }
  at(runtime, when + 10_000, () => {
    expect(answers).toEqual(answers.map(() => 1))
    for (const observer of observers) observer.unsubscribe()
    tokens.close()
    expect(running).toBe(0)
    expect(mostAtOnce).toBeLessThanOrEqual(1)
    // Whoever uses a token keeps it fresh at most every second; nobody makes it loop.
    expect(started).toBeLessThanOrEqual(actions.length + (when + 10_000) / 1_000 + 1)
  })
}
