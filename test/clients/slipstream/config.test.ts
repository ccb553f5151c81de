import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { resolveConfig, type SessionConfig } from '../../../src/clients/slipstream/config.js'
import { nuvlaDialect, slipstreamDialect } from '../../../src/clients/slipstream/dialect.js'
import { createSlipstream } from '../../../src/clients/slipstream/index.js'
import { ConfigurationError } from '../../../src/errors.js'
import { fakeTransport } from '../../../src/testing/fake-transport.js'

type Variables = Readonly<Record<string, string>>
const resolved = (config: SessionConfig = {}, env: Variables = {}, dialect = slipstreamDialect) =>
  resolveConfig({ environment: { env, home: '/home/jane' }, ...config }, dialect)

describe('the endpoint', () => {
  it('is the hosted service, unless an option or a variable says otherwise', () => {
    expect(resolved().endpoint).toBe('https://nuv.la')
    expect(resolved({}, {}, nuvlaDialect).endpoint).toBe('https://nuvla.io')
    const env = { SLIPSTREAM_ENDPOINT: 'https://ss.example.org/', NUVLA_ENDPOINT: 'https://n.example.org' }
    expect(resolved({}, env).endpoint).toBe('https://ss.example.org')
    expect(resolved({}, env, nuvlaDialect).endpoint).toBe('https://n.example.org')
    expect(resolved({ endpoint: 'https://own.example.org/ss' }, env).endpoint).toBe(
      'https://own.example.org/ss',
    )
  })

  it.each([
    [{ endpoint: 'nuv.la' }, {}, /^endpoint:/],
    [{ endpoint: 'https://jane@nuv.la' }, {}, /^endpoint:/],
    [{}, { SLIPSTREAM_ENDPOINT: 'nuv.la' }, /^environment variable SLIPSTREAM_ENDPOINT:/],
    [{ endpoint: 42 as never }, {}, /^endpoint:/],
  ])('cannot be %j, %j', (config, env, message) => {
    expect(() => resolved(config, env)).toThrow(ConfigurationError)
    expect(() => resolved(config, env)).toThrow(message)
  })
})

describe('the way to log in', () => {
  const template = { href: 'session-template/mine', code: '1' }
  it.each([[{ username: 'jane', password: 'p' }], [{ key: 'credential/1', secret: 's' }], [{ template }]])(
    'is %j, whatever the environment says',
    (login) => {
      const env = { SLIPSTREAM_USERNAME: 'bob', SLIPSTREAM_PASSWORD: 'x' }
      expect(resolved(login, env).login).toEqual(login)
    },
  )

  it('is in the environment if the options have none', () => {
    const env = {
      SLIPSTREAM_USERNAME: 'bob',
      SLIPSTREAM_PASSWORD: 'x',
      NUVLA_API_KEY: 'credential/1',
      NUVLA_API_SECRET: 'y',
    }
    expect(resolved({}, env).login).toEqual({ username: 'bob', password: 'x' })
    expect(resolved({}, env, nuvlaDialect).login).toEqual({ key: 'credential/1', secret: 'y' })
    expect(resolved({ endpoint: 'https://own.example.org' }, env).login).toBeDefined()
  })

  it('of the environment is not for another endpoint than that of the environment', () => {
    const env = {
      SLIPSTREAM_ENDPOINT: 'https://ss.example.org',
      SLIPSTREAM_USERNAME: 'bob',
      SLIPSTREAM_PASSWORD: 'x',
    }
    const { login, lookedAt } = resolved({ endpoint: 'https://own.example.org' }, env)
    expect(login).toBeUndefined()
    expect(lookedAt.at(-1)).toMatch(/SLIPSTREAM_ENDPOINT: names another endpoint/)
    expect(resolved({ endpoint: 'https://ss.example.org/' }, env).login).toBeDefined()
  })

  it('may be missing: then it is told where was looked, without what was there', () => {
    expect(resolved({ username: '', endpoint: 'https://own.example.org' }).lookedAt).toEqual([
      'option username: not set',
      'option password: not set',
      'option key: not set',
      'option secret: not set',
      'option template: not set',
      'environment variable SLIPSTREAM_USERNAME: not set',
      'environment variable SLIPSTREAM_PASSWORD: not set',
    ])
  })

  const wrong: [SessionConfig, Variables, RegExp][] = [
    [{ username: 'jane' }, {}, /^username: is given without password$/],
    [{ password: 'hush-hush' }, {}, /^password: is given without username$/],
    [{ key: 'credential/1' }, {}, /^key: is given without secret$/],
    [{ secret: 'hush-hush' }, {}, /^secret: is given without key$/],
    [{}, { SLIPSTREAM_USERNAME: 'bob' }, /SLIPSTREAM_USERNAME: is given without SLIPSTREAM_PASSWORD/],
    [{}, { SLIPSTREAM_PASSWORD: 'hush-hush' }, /SLIPSTREAM_PASSWORD: is given without .*SLIPSTREAM_USERNAME/],
    [{ username: 'jane', password: 'hush-hush', key: 'k', secret: 's' }, {}, /one way to log in, not 2/],
    [{ key: 'k', secret: 'hush-hush', template: { href: 'session-template/x' } }, {}, /one way to log in/],
    [{ template: {} as never }, {}, /^template:/],
    [{ template: 'session-template/x' as never }, {}, /^template:/],
    [{ password: 12_345 as never, username: 'jane' }, {}, /^password: expected a text$/],
    [{ cookieFile: ' ' }, {}, /^cookieFile:/],
  ]
  it.each(wrong)('cannot be %j, %j', (config, env, message) => {
    const create = () => createSlipstream({ ...config, environment: { env, home: '' } })
    expect(create).toThrow(ConfigurationError)
    expect(create).toThrow(message)
    expect(create).not.toThrow(/hush/)
  })
})

describe('the cookie file', () => {
  const jane = { username: 'jane', password: 'p' }
  it('is that of the reference client if there is nothing else', () => {
    expect(resolved().cookieFile).toEqual({ path: '/home/jane/.slipstream/cookies.txt', keep: false })
    expect(resolved({}, {}, nuvlaDialect).cookieFile?.path).toBe('/home/jane/.nuvla/cookies.txt')
    expect(resolved(jane).cookieFile).toBeUndefined()
    expect(resolved({ cookieFile: false }).cookieFile).toBeUndefined()
  })

  it('is the one that was asked for', () => {
    expect(resolved({ ...jane, cookieFile: true }).cookieFile).toEqual({
      path: '/home/jane/.slipstream/cookies.txt',
      keep: true,
    })
    expect(resolved({ ...jane, cookieFile: 'mine.txt' }).cookieFile).toEqual({ path: 'mine.txt', keep: true })
  })

  it('cannot be in a home that is not there', () => {
    const environment = { env: {}, home: '' }
    expect(resolved({ environment }).cookieFile).toBeUndefined()
    expect(() => resolved({ environment, cookieFile: true })).toThrow(/^cookieFile:/)
  })

  it('stops the client if it was asked for and is something else, and only then', () => {
    const home = mkdtempSync(join(tmpdir(), 'skystream-home-'))
    try {
      const cookieFile = join(home, 'cookies.txt')
      writeFileSync(cookieFile, 'hush-hush')
      const transport = fakeTransport({})
      const environment = { env: {}, home }
      const create = () => createSlipstream({ cookieFile, transport, environment })
      expect(create).toThrow(ConfigurationError)
      expect(create).toThrow(/cookies\.txt/)
      expect(create).not.toThrow(/hush/)
      expect(() => createSlipstream({ transport, environment })).not.toThrow()
    } finally {
      rmSync(home, { recursive: true })
    }
  })
})

it('knows no other profile', () => {
  expect(() => createSlipstream({ profile: 'other' as never })).toThrow(/^profile:/)
})
