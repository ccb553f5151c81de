import { EMPTY, of, throwError, type Observable } from 'rxjs'
import { describe, expect, it } from 'vitest'
import { staticToken } from '../../src/auth/static-token.js'
import { sealToken, type Token } from '../../src/auth/token.js'
import { TokenSubject, type Acquire } from '../../src/auth/token-subject.js'
import { ConfigurationError, httpError, NetworkError, TokenError } from '../../src/errors.js'

const refused = httpError({ status: 401, method: 'POST', url: 'https://example.org/tokens' })

function ask(acquire: Acquire, previous?: Token): string | TokenError {
  let got: unknown = new Error('nothing came synchronously')
  acquire(previous).subscribe({
    next: (token) => (got = token.value),
    error: (error: unknown) => (got = error),
  })
  if (typeof got === 'string' || got instanceof Error) return got as string | TokenError
  throw new Error('neither a value nor an error')
}

const old = sealToken({ value: 'old', obtainedAt: 0 })

describe('the given token', () => {
  it('is valid without end', () => {
    const tokens = new TokenSubject({ acquire: staticToken({ value: ' given\n' }) })
    tokens.token().subscribe()
    expect(tokens.current()?.value).toBe('given')
    expect(tokens.current()?.expiresAt).toBeUndefined()
  })

  it('is what the validation makes of it', () => {
    interface Rich extends Token {
      readonly user: string
    }
    const acquire = staticToken({
      value: 'given',
      validate: (value): Observable<Rich> => of({ value, obtainedAt: 1, expiresAt: 2, user: 'u' }),
    })
    let got: Rich | undefined
    acquire().subscribe((token) => (got = token))
    expect(got).toEqual({ value: 'given', obtainedAt: 1, expiresAt: 2, user: 'u' })
  })

  it.each(['', '  ', 'two words', 'line\nbreak', 'ключ'])(
    'is refused at once if it cannot be one: %j',
    (value) => {
      expect(() => staticToken({ value })).toThrow(ConfigurationError)
      expect(() => staticToken({ value: undefined as never })).toThrow(/token/)
    },
  )

  it('may fail to be validated for reasons of its own, and is tried again', () => {
    const outage = new NetworkError('out of reach')
    let attempts = 0
    const acquire = staticToken({
      value: 'given',
      validate: (value) => (attempts++ === 0 ? throwError(() => outage) : of({ value, obtainedAt: 0 })),
      renew: () => 'never asked for',
    })
    expect(ask(acquire)).toBe(outage)
    expect(ask(acquire)).toBe('given')
  })
})

describe('a refused token', () => {
  it('is a TokenError that says so where there is no way to renew it, and no loop', () => {
    let validations = 0
    const acquire = staticToken({
      value: 'given',
      cloud: 'synnefo',
      validate: () => {
        validations++
        return throwError(() => refused)
      },
    })
    const tokens = new TokenSubject({ acquire })
    let error: unknown
    tokens.token().subscribe({ error: (reason: unknown) => (error = reason) })
    expect(error).toMatchObject({ code: 'SKY_TOKEN', cloud: 'synnefo', cause: refused })
    expect((error as Error).message).toMatch(/no way to renew/)
    expect(tokens.value).toMatchObject({ kind: 'failed', error })
    expect(validations).toBe(1)
    expect(ask(staticToken({ value: 'old' }), old)).toMatchObject({ code: 'SKY_TOKEN' })
  })

  it.each([
    ['a text', () => ' new '],
    ['an Observable', () => of('new', 'newer')],
  ])('is replaced by the renewal: %s', (_, renew) => {
    expect(ask(staticToken({ value: 'old', renew }), old)).toBe('new')
  })

  it('is replaced by the renewal: a promise', async () => {
    const acquire = staticToken({ value: 'old', renew: async () => 'new' })
    const value = await new Promise((resolve) => {
      acquire(old).subscribe((token) => {
        resolve(token.value)
      })
    })
    expect(value).toBe('new')
  })

  it('is renewed when the very first validation refuses it', () => {
    const acquire = staticToken({
      value: 'old',
      validate: (value) => (value === 'old' ? throwError(() => refused) : of({ value, obtainedAt: 0 })),
      renew: () => 'new',
    })
    expect(ask(acquire)).toBe('new')
  })

  it.each([
    ['the same token', () => 'old', /same token again/],
    ['nothing', (): Observable<string> => EMPTY, /gave no token/],
    ['an empty text', () => '', /cannot be a token/],
    ['no text', (): Observable<string> => of(7 as unknown as string), /cannot be a token/],
  ])('is not asked for twice when the renewal gives %s', (_, renew, message) => {
    let renewals = 0
    const acquire = staticToken({
      value: 'old',
      renew: () => {
        renewals++
        return renew()
      },
    })
    expect(ask(acquire, old)).toBeInstanceOf(TokenError)
    expect((ask(acquire, old) as TokenError).message).toMatch(message)
    expect(renewals).toBe(2)
  })

  it('fails once when the renewed one is refused as well', () => {
    let renewals = 0
    const acquire = staticToken({
      value: 'old',
      validate: (): Observable<Token> => throwError(() => refused),
      renew: () => `new-${String(++renewals)}`,
    })
    expect(ask(acquire)).toMatchObject({ code: 'SKY_TOKEN', cause: refused })
    expect(renewals).toBe(1)
  })

  it('never shows in an error', () => {
    const { message, cause } = ask(staticToken({ value: 'old-secret', renew: () => 'old-secret' }), {
      value: 'old-secret',
      obtainedAt: 0,
    }) as TokenError
    expect(message + String(cause)).not.toContain('old-secret')
  })
})
