import { inspect } from 'node:util'
import { NEVER } from 'rxjs'
import { describe, expect, it } from 'vitest'
import {
  attachCookie,
  attachIfPresent,
  receivedSession,
  renewFromAnswers,
  sessionToken,
  type SessionToken,
} from '../../src/auth/cookie-session.js'
import { TokenSubject } from '../../src/auth/token-subject.js'
import type { HttpResponse } from '../../src/http/types.js'
import { requestOf, responseOf, recorder, script } from '../http/requests.js'

const NOW = Date.parse('2019-03-29T09:15:00Z')
const DAY = 86_400_000
const NAME = 'com.sixsq.slipstream.cookie'

const jwt = (claims: object) =>
  `eyJhbGciOiJSUzI1NiJ9.${Buffer.from(JSON.stringify(claims)).toString('base64url')}.c2ln`
const claims = { username: 'jane', roles: 'USER ANON', session: 'session/4d9b', exp: (NOW + DAY) / 1000 }
const VALUE = `token=${jwt(claims)}`

const answer = (cookie: string | string[], headers: Record<string, string> = {}) =>
  responseOf(200, '', { 'set-cookie': cookie, ...headers })
const received = (...args: Parameters<typeof answer>): SessionToken => {
  const token = receivedSession(answer(...args), NAME, NOW)
  if (token === undefined || token === 'over') throw new Error(`expected a session, not ${String(token)}`)
  return token
}

describe('a cookie that an answer brings', () => {
  it('is a token with its whole value, its end and what it says of the session', () => {
    const token = received(`${NAME}=${VALUE};Secure;Path=/;Expires=Sat, 30 Mar 2019 09:15:00 +0000`)
    expect(token).toMatchObject({
      obtainedAt: NOW,
      expiresAt: NOW + DAY,
      cookie: NAME,
      session: 'session/4d9b',
      username: 'jane',
    })
    expect(token.value).toBe(VALUE)
    expect(inspect(token) + JSON.stringify(token)).not.toContain('eyJ')
  })

  it('may be one of several, in any order of its attributes', () => {
    const cookies = ['a=b; Path=/', `${NAME}=${VALUE}; Path=/; HttpOnly; Secure`, 'c=d']
    expect(received(cookies).value).toBe(VALUE)
  })

  it('ends by the clock of the server', () => {
    const ahead = { date: 'Fri, 29 Mar 2019 10:15:00 GMT' }
    expect(received(`${NAME}=x;Expires=Sat, 30 Mar 2019 10:15:00 +0000`, ahead).expiresAt).toBe(NOW + DAY)
  })

  const ends: [string, string, number | undefined][] = [
    ['the token in it', `${NAME}=${VALUE}`, NOW + DAY],
    [
      'its own end, if that is earlier',
      `${NAME}=${VALUE};Expires=Fri, 29 Mar 2019 09:16:00 GMT`,
      NOW + 60_000,
    ],
    ['its age', `${NAME}=plain;Max-Age=60`, NOW + 60_000],
    ['nothing', `${NAME}=plain`, undefined],
  ]
  it.each(ends)('ends as %s says', (_, cookie, end) => {
    expect(received(cookie).expiresAt).toBe(end)
  })

  it.each([
    `${NAME}=INVALID;Path=/;Max-Age=0;Expires=Fri, 29 Mar 2019 09:15:00 +0000`,
    `${NAME}=INVALID;Path=/`,
    `${NAME}=;Path=/`,
    `${NAME}=${VALUE};Max-Age=0`,
    `${NAME}=${VALUE};Expires=Thu, 01 Jan 1970 00:00:00 GMT`,
  ])('is the end of the session: %s', (cookie) => {
    expect(receivedSession(answer(cookie), NAME, NOW)).toBe('over')
  })

  it('is nothing if it is another one', () => {
    expect(receivedSession(answer('other=x'), NAME, NOW)).toBeUndefined()
    expect(receivedSession(responseOf(200), NAME, NOW)).toBeUndefined()
  })
})

describe('a request', () => {
  const token = sessionToken({ name: NAME, value: VALUE, receivedAt: NOW })

  it('gets the cookie beside its own ones, and the token is known as a secret', () => {
    const sent = attachCookie(token, requestOf({ headers: { accept: 'x', cookie: 'a=b' } }))
    expect(sent.headers).toEqual({ accept: 'x', cookie: `a=b; ${NAME}=${VALUE}` })
    expect(sent.secrets).toEqual([jwt(claims)])
    expect(attachCookie(token, requestOf()).headers).toEqual({ cookie: `${NAME}=${VALUE}` })
  })

  it('goes without a cookie where there is none, or none that is good, and nobody logs in for it', () => {
    let acquisitions = 0
    const tokens = new TokenSubject<SessionToken>({
      acquire: () => {
        acquisitions++
        return NEVER
      },
    })
    let now = NOW
    const wire = script(responseOf(200))
    const send = attachIfPresent(tokens, () => now)(wire)
    send(requestOf(), recorder())
    tokens.next({ kind: 'valid', token })
    send(requestOf(), recorder())
    now = NOW + DAY
    send(requestOf(), recorder())
    expect(wire.requests.map(({ headers }) => headers['cookie'])).toEqual([
      undefined,
      `${NAME}=${VALUE}`,
      undefined,
    ])
    expect(acquisitions).toBe(0)
    tokens.close()
  })
})

describe('a later answer', () => {
  const origin = 'https://nuv.la'
  const clock = { now: () => NOW, schedule: () => ({ unsubscribe: () => undefined }) as never }
  const clocked = { scheduler: clock, background: clock, random: () => 0 }

  function client(...answers: readonly HttpResponse[]) {
    const tokens = new TokenSubject<SessionToken>({ acquire: () => NEVER, runtime: clocked })
    const changes: (string | undefined)[] = []
    const wire = script(...answers)
    const send = renewFromAnswers({
      tokens,
      name: NAME,
      origin,
      now: () => NOW,
      onChange: (token) => changes.push(token?.value),
    })(wire)
    const hold = (value: string) => {
      tokens.next({ kind: 'valid', token: sessionToken({ name: NAME, value, receivedAt: NOW }) })
    }
    hold('first')
    return { tokens, changes, wire, send, hold }
  }

  it('replaces the token', () => {
    const { tokens, changes, send } = client(answer(`${NAME}=second`))
    const results = recorder()
    send(requestOf({ origin }), results)
    expect(tokens.current()?.value).toBe('second')
    expect(changes).toEqual(['second'])
    expect(results.calls).toHaveLength(1)
  })

  it('ends the session', () => {
    const { tokens, changes, send } = client(answer(`${NAME}=INVALID;Max-Age=0`))
    send(requestOf({ origin }), recorder())
    expect(tokens.value.kind).toBe('idle')
    expect(changes).toEqual([undefined])
  })

  it.each(['second', 'INVALID'])('to a request of an older token does nothing: %s', (value) => {
    const { tokens, changes, hold } = client()
    const late: ((response: ReturnType<typeof answer>) => void)[] = []
    const delayed = renewFromAnswers({
      tokens,
      name: NAME,
      origin,
      now: () => NOW,
      onChange: (token) => changes.push(token?.value),
    })((_, handler) => {
      late.push((response) => {
        handler.next(response)
      })
      return () => undefined
    })
    delayed(requestOf({ origin }), recorder())
    hold('newer')
    late[0]?.(answer(`${NAME}=${value}`))
    expect(tokens.current()?.value).toBe('newer')
    expect(changes).toEqual([])
  })

  it('of another origin does nothing', () => {
    const { tokens, changes, send } = client(answer(`${NAME}=planted`))
    send(requestOf({ origin: 'https://evil.example.org' }), recorder())
    expect(tokens.current()?.value).toBe('first')
    expect(changes).toEqual([])
  })
})
