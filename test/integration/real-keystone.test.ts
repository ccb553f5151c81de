import {
  distinctUntilChanged,
  exhaustMap,
  interval,
  lastValueFrom,
  map,
  mergeMap,
  take,
  takeWhile,
  toArray,
} from 'rxjs'
import { request } from 'undici'
import { expect, it } from 'vitest'
import { createSwift } from '../../src/clients/synnefo/swift.js'
import { describeReal, type KeystoneServer } from './real-servers.js'

interface Answer {
  readonly status: number
  readonly token: string
  readonly body: {
    readonly token?: {
      readonly issued_at: string
      readonly expires_at: string
      readonly methods: readonly string[]
      readonly user: { readonly id: string }
      readonly catalog: readonly {
        readonly type: string
        readonly endpoints: readonly {
          readonly interface: string
          readonly region: string
          readonly url: string
        }[]
      }[]
    }
    readonly application_credential?: { readonly id: string; readonly secret: string }
    readonly error?: { readonly code: number; readonly title: string }
  }
}

async function send(
  method: 'GET' | 'POST' | 'DELETE',
  url: string,
  headers: Record<string, string>,
  body?: unknown,
): Promise<Answer> {
  const answer = await request(url, {
    method,
    headers: { 'content-type': 'application/json', ...headers },
    body: body === undefined ? null : JSON.stringify(body),
  })
  const text = await answer.body.text()
  return {
    status: answer.statusCode,
    token: String(answer.headers['x-subject-token'] ?? ''),
    body: text.startsWith('{') ? (JSON.parse(text) as Answer['body']) : {},
  }
}

function logIn(
  { authUrl, user, password, project, domainId }: KeystoneServer,
  withPassword = password,
): Promise<Answer> {
  const domain = { id: domainId }
  return send(
    'POST',
    `${authUrl}/auth/tokens`,
    {},
    {
      auth: {
        identity: {
          methods: ['password'],
          password: { user: { name: user, domain, password: withPassword } },
        },
        scope: { project: { name: project, domain } },
      },
    },
  )
}

/** Asks the server about a token, by that token. */
function validate(
  { authUrl }: KeystoneServer,
  token: string,
  method: 'GET' | 'DELETE' = 'GET',
): Promise<Answer> {
  return send(method, `${authUrl}/auth/tokens`, { 'x-auth-token': token, 'x-subject-token': token })
}

describeReal('keystone', (server) => {
  it('logs in by password, and refuses a wrong one', async () => {
    const { authUrl, region, tokenLife } = server()
    const { status, token, body } = await logIn(server())
    expect(status).toBe(201)
    expect(token).toMatch(/^gAAAA/)
    expect(body.token?.catalog).toEqual([
      expect.objectContaining({
        type: 'identity',
        endpoints: expect.arrayContaining([
          expect.objectContaining({ interface: 'public', region, url: `${authUrl}/` }),
        ]),
      }),
    ])
    const life = Date.parse(body.token?.expires_at ?? '') - Date.parse(body.token?.issued_at ?? '')
    expect(life).toBe(tokenLife * 1000)

    const refused = await logIn(server(), 'wrong')
    expect([refused.status, refused.body.error]).toMatchObject([401, { code: 401, title: 'Unauthorized' }])
  })

  it('logs in by application credential', async () => {
    const { authUrl } = server()
    const { token, body } = await logIn(server())
    const created = await send(
      'POST',
      `${authUrl}/users/${body.token?.user.id ?? ''}/application_credentials`,
      { 'x-auth-token': token },
      { application_credential: { name: 'smoke' } },
    )
    expect(created.status).toBe(201)
    const { id, secret } = created.body.application_credential ?? {}
    const identity = { methods: ['application_credential'], application_credential: { id, secret } }
    const answer = await send('POST', `${authUrl}/auth/tokens`, {}, { auth: { identity } })
    expect([answer.status, answer.body.token?.methods]).toEqual([201, ['application_credential']])
  })

  it('forgets a token that is revoked', async () => {
    const { token } = await logIn(server())
    expect((await validate(server(), token, 'DELETE')).status).toBe(204)
    expect((await validate(server(), token)).status).toBe(401)
  })

  it('speaks version 3 only', async () => {
    const { status } = await send('POST', new URL('/v2.0/tokens', server().authUrl).href, {}, { auth: {} })
    expect(status).toBe(404)
  })

  it(
    'is asked four times a second for 70 s by a client that renews its token without one failed call',
    { timeout: 120_000 },
    async () => {
      const { authUrl, user, password, project, domainId, tokenLife } = server()
      const client = createSwift({
        authUrl,
        username: user,
        password,
        userDomainId: domainId,
        projectName: project,
        projectDomainId: domainId,
      })
      const tokens = new Set<string>()
      client.tokens.subscribe((state) => {
        if (state.kind === 'valid') tokens.add(state.token.value)
      })
      const sessions = await lastValueFrom(
        interval(250).pipe(
          take(70 * 4),
          mergeMap(() => client.identity.validate()),
          toArray(),
        ),
      )
      client.close()
      expect(sessions).toHaveLength(280)
      expect(new Set(sessions.map((session) => session.user.name))).toEqual(new Set([user]))
      expect(tokens.size).toBeGreaterThanOrEqual(Math.floor(70 / tokenLife))
    },
  )

  it('lets a token live its 20 seconds and not longer', { timeout: 60_000 }, async () => {
    const { token, body } = await logIn(server())
    expect((await validate(server(), token)).status).toBe(200)
    const statuses = await lastValueFrom(
      interval(500).pipe(
        exhaustMap(() => validate(server(), token)),
        map(({ status }) => status),
        takeWhile((status) => status !== 401, true),
        distinctUntilChanged(),
        toArray(),
      ),
    )
    // A request looks at its token twice, as who asks and as what is asked about: it may die in between, which is a 404.
    expect([
      [200, 401],
      [200, 404, 401],
    ]).toContainEqual(statuses)
    const late = Date.now() - Date.parse(body.token?.expires_at ?? '')
    expect(late).toBeGreaterThanOrEqual(0)
    expect(late).toBeLessThan(10_000)
  })
})
