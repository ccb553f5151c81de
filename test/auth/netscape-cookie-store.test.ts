import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { lastValueFrom } from 'rxjs'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { netscapeCookieStore, type NetscapeCookieStoreOptions } from '../../src/auth/netscape-cookie-store.js'
import { ConfigurationError } from '../../src/errors.js'

const NOW = Date.parse('2019-03-29T10:00:00Z')
const LATER = Math.floor(NOW / 1000) + 3600
const NAME = 'com.sixsq.slipstream.cookie'
const HEADER = '# Netscape HTTP Cookie File'

let folder: string
let path: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'skystream-cookies-'))
  path = join(folder, 'cookies.txt')
})
afterEach(() => {
  rmSync(folder, { recursive: true, force: true })
})

const storeOf = (overrides: Partial<NetscapeCookieStoreOptions> = {}) =>
  netscapeCookieStore({
    path,
    origin: 'https://nuv.la',
    prefix: '',
    name: NAME,
    now: () => NOW,
    cloud: 'slipstream',
    ...overrides,
  })

type Field = string | number
const line = (...fields: [Field, Field, Field, Field, Field, Field, Field]) => fields.join('\t')
const own = (value: Field, expires: Field = LATER, domain = 'nuv.la') =>
  line(domain, 'FALSE', '/', 'TRUE', expires, NAME, value)
const give = (...lines: string[]) => {
  writeFileSync(path, `${[HEADER, ...lines].join('\n')}\n`)
}
const cookies = () =>
  readFileSync(path, 'utf8')
    .split('\n')
    .filter((text) => text.includes('\t'))

describe('a cookie that is there', () => {
  it('is found among comments, blank lines and the cookies of others', () => {
    give(
      '# a comment',
      '',
      line('example.org', 'FALSE', '/', 'TRUE', LATER, NAME, 'another host'),
      line('nuv.la', 'FALSE', '/', 'TRUE', LATER, 'other', 'another name'),
      own('token=eyJ.a.b'),
    )
    expect(storeOf().load()).toEqual({ value: 'token=eyJ.a.b', expiresAt: LATER * 1000 })
  })

  it('may end with its session, be for programs only, and stand between line ends of Windows', () => {
    writeFileSync(path, [`${HEADER}\r`, `#HttpOnly_${own('mine', '')}\r`, ''].join('\n'))
    expect(storeOf().load()).toEqual({ value: 'mine', expiresAt: undefined })
  })

  it.each(['# HTTP Cookie File', '# Netscape HTTP Cookie File'])('may stand below "%s"', (first) => {
    writeFileSync(path, `${first}\n${own('mine')}\n`)
    expect(storeOf().load()?.value).toBe('mine')
  })

  it('is not used when its time is over', () => {
    give(own('old', Math.floor(NOW / 1000)))
    expect(storeOf().load()).toBeUndefined()
  })

  it('of the longest path wins', () => {
    give(line('nuv.la', 'FALSE', '/api', 'TRUE', LATER, NAME, 'narrow'), own('wide'))
    expect(storeOf({ prefix: '/api' }).load()?.value).toBe('narrow')
    expect(storeOf().load()?.value).toBe('wide')
  })

  const hosts: [string, string, string, boolean][] = [
    ['https://nuv.la', 'nuv.la', 'FALSE', true],
    ['https://nuv.la:8443', 'nuv.la', 'FALSE', true],
    ['https://NUV.la', 'Nuv.La', 'FALSE', true],
    ['https://ch.nuv.la', '.nuv.la', 'TRUE', true],
    ['https://ch.nuv.la', 'nuv.la', 'FALSE', false],
    ['https://evilnuv.la', '.nuv.la', 'TRUE', false],
    ['https://localhost', 'localhost.local', 'FALSE', true],
    ['https://localhost', 'localhost', 'FALSE', false],
    ['https://127.0.0.1', '127.0.0.1', 'FALSE', true],
    ['https://[::1]', '[::1]', 'FALSE', true],
    ['http://nuv.la', 'nuv.la', 'FALSE', false],
  ]
  it.each(hosts)('for %s and of %s (subdomains %s): %s', (origin, domain, subdomains, used) => {
    give(line(domain, subdomains, '/', 'TRUE', LATER, NAME, 'mine'))
    expect(storeOf({ origin }).load()?.value).toBe(used ? 'mine' : undefined)
  })
})

describe('a file', () => {
  it('that is not there has no cookie', () => {
    expect(storeOf().load()).toBeUndefined()
  })

  const foreign: [string, string][] = [
    ['of another kind', '{"cookies": "hush-hush"}'],
    ['that is empty', ''],
    ['with a line of too few fields', `${HEADER}\nnuv.la\tFALSE\t/\thush-hush\n`],
    [
      'with another word for a flag',
      `${HEADER}\n${line('nuv.la', 'no', '/', 'TRUE', LATER, NAME, 'hush-hush')}\n`,
    ],
    ['with a time that is none', `${HEADER}\n${own('hush-hush', 'tomorrow')}\n`],
  ]
  it.each(foreign)('%s is refused, by its name and without what is in it', (_, content) => {
    writeFileSync(path, content)
    const load = () => storeOf().load()
    expect(load).toThrow(ConfigurationError)
    expect(load).toThrow(path)
    expect(load).not.toThrow(/hush/)
  })

  it('that cannot be read is refused with the reason', () => {
    mkdirSync(path)
    expect(() => storeOf().load()).toThrow(/cookies\.txt: is a folder/)
  })

  it('of another kind is not overwritten', async () => {
    writeFileSync(path, 'precious')
    await expect(lastValueFrom(storeOf().save({ value: 'mine' }))).rejects.toThrow(ConfigurationError)
    expect(readFileSync(path, 'utf8')).toBe('precious')
  })
})

describe('saving', () => {
  it('makes a file that the reference clients read, for the owner only, and its folder as well', async () => {
    const made = join(folder, 'new', 'cookies.txt')
    await lastValueFrom(
      storeOf({ path: made }).save({ value: 'token=eyJ.a.b', expiresAt: LATER * 1000 + 999 }),
    )
    expect(readFileSync(made, 'utf8')).toBe(
      [
        HEADER,
        '# http://curl.haxx.se/rfc/cookie_spec.html',
        '# This is a generated file!  Do not edit.',
        '',
        `nuv.la\tFALSE\t/\tTRUE\t${String(LATER)}\t${NAME}\ttoken=eyJ.a.b`,
        '',
      ].join('\n'),
    )
    expect(statSync(made).mode & 0o777).toBe(0o600)
    expect(statSync(join(folder, 'new')).mode & 0o777).toBe(0o700)
  })

  it('takes the rights of others from a file that was there', async () => {
    give()
    chmodSync(path, 0o644)
    await lastValueFrom(storeOf().save({ value: 'mine' }))
    expect(statSync(path).mode & 0o777).toBe(0o600)
  })

  it('works with a bare file name', async () => {
    const bare = `skystream-${String(process.pid)}.cookies`
    try {
      await lastValueFrom(storeOf({ path: bare }).save({ value: 'mine' }))
      expect(existsSync(bare)).toBe(true)
      expect(relative(process.cwd(), storeOf({ path: bare }).path)).toBe(bare)
    } finally {
      rmSync(bare, { force: true })
    }
  })

  it('is read again as it was, also over http to this machine', async () => {
    for (const origin of [
      'https://nuv.la',
      'http://localhost:8080',
      'http://127.0.0.1:1',
      'http://[::1]:1',
    ]) {
      const store = storeOf({ origin })
      await lastValueFrom(store.save({ value: origin, expiresAt: LATER * 1000 }))
      expect(store.load()).toEqual({ value: origin, expiresAt: LATER * 1000 })
    }
    expect(cookies().map((text) => text.split('\t').slice(0, 4).join(' '))).toEqual([
      'nuv.la FALSE / TRUE',
      'localhost.local FALSE / FALSE',
      '127.0.0.1 FALSE / FALSE',
      '[::1] FALSE / FALSE',
    ])
  })

  it('replaces its own cookie, keeps those of others as they stand, and drops what is over', async () => {
    const others = [
      line('.example.org', 'TRUE', '/x', 'FALSE', LATER, 'a', 'b'),
      `#HttpOnly_${line('nuv.la', 'FALSE', '/', 'TRUE', '', 'other', 'kept')}`,
    ]
    give(own('old'), others[0]!, line('example.org', 'FALSE', '/', 'FALSE', 1, 'over', 'x'), others[1]!)
    await lastValueFrom(storeOf().save({ value: 'new' }))
    expect(cookies()).toEqual([...others, own('new', '')])
  })

  it('of two at once keeps both', async () => {
    const store = storeOf()
    const second = storeOf({ origin: 'https://example.org' })
    await Promise.all([
      lastValueFrom(store.save({ value: 'one' })),
      lastValueFrom(store.save({ value: 'two' })),
    ])
    await lastValueFrom(second.save({ value: 'three' }))
    expect(cookies().map((text) => text.split('\t').at(-1))).toEqual(['two', 'three'])
  })

  it('does nothing before it is subscribed to', () => {
    storeOf().save({ value: 'mine' })
    expect(existsSync(path)).toBe(false)
  })

  it('that fails says where and why', async () => {
    writeFileSync(join(folder, 'file'), '')
    const saving = lastValueFrom(
      storeOf({ path: join(folder, 'file', 'cookies.txt') }).save({ value: 'hush' }),
    )
    await expect(saving).rejects.toThrow(/cookies\.txt: cannot be (?:read|written): \w+/)
  })
})

describe('clearing', () => {
  it('leaves the header, and what others have', async () => {
    give(own('mine'), line('example.org', 'FALSE', '/', 'FALSE', LATER, 'a', 'b'))
    await lastValueFrom(storeOf().clear())
    expect(cookies()).toEqual([line('example.org', 'FALSE', '/', 'FALSE', LATER, 'a', 'b')])
    await lastValueFrom(storeOf({ origin: 'https://example.org', name: 'a' }).clear())
    expect(readFileSync(path, 'utf8')).toMatch(/^# Netscape HTTP Cookie File\n(?:#.*\n)*$/)
  })

  it('makes no file', async () => {
    await lastValueFrom(storeOf().clear())
    expect(existsSync(path)).toBe(false)
  })
})
