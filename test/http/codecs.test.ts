import { describe, expect, it } from 'vitest'
import { bytes, excerpt, formBody, header, jsonBody, query, segment, text } from '../../src/http/codecs.js'
import { responseOf } from './requests.js'

describe('reading', () => {
  it('reads text of a part of a larger buffer, without a copy of the rest', () => {
    const whole = Buffer.from('xxgrüßexx')
    expect(text({ status: 200, headers: {}, body: whole.subarray(2, 9) })).toBe('grüße')
    const body = new Uint8Array([1, 2])
    expect(bytes({ status: 200, headers: {}, body })).toBe(body)
  })

  it('reads a header, the first of several', () => {
    const response = responseOf(200, '', { a: 'one', b: ['two', 'three'] })
    expect(['a', 'b', 'c'].map((name) => header(response, name))).toEqual(['one', 'two', undefined])
  })
})

describe('excerpt', () => {
  it.each([
    ['{"token":"hunter2","name":"x"}', '{"token":"[redacted]","name":"x"}'],
    ['{"a":[{"password":"hunter2"}]}', '{"a":[{"password":"[redacted]"}]}'],
    ['token=hunter2&name=x', 'token=[redacted]&name=x'],
    ['{"password": "hunter2", broken', '{"password": [redacted], broken'],
    ['{"password": "hunter2', '{"password": [redacted]'],
    ['X-Auth-Token: hunter2\nnext', 'X-Auth-Token: [redacted]\nnext'],
    ['Authorization: Bearer hunter2, more', 'Authorization: [redacted], more'],
    ['private_key: hunter2', 'private_key: [redacted]'],
    ['<token>x</token>', '<token>x</token>'],
  ])('of %j is %j', (body, expected) => {
    expect(excerpt(body)).toBe(expected)
  })

  it('is short, also of a secret that is cut', () => {
    expect(excerpt('x'.repeat(2_000))).toHaveLength(500)
    const cut = excerpt(`${'x'.repeat(480)} token=${'hunter2'.repeat(20)}`)
    expect(cut).not.toContain('hunter2')
  })

  it('hides the fields that the operation names, and a body in which it cannot find them', () => {
    expect(excerpt('{"adminPass":"hunter2"}', ['adminPass'])).toBe('{"adminPass":"[redacted]"}')
    expect(excerpt('{"adminPass":"hunter2"', ['adminPass'])).toBe('22 bytes that may hold a secret')
  })
})

describe('writing', () => {
  it('writes JSON as a string, so that it has a length', () => {
    expect(jsonBody({ a: 'ü' })).toEqual({
      headers: { 'content-type': 'application/json' },
      body: '{"a":"ü"}',
    })
  })

  it('writes forms', () => {
    expect(formBody({ grant_type: 'a b', x: '&=ü' })).toEqual({
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: 'grant_type=a+b&x=%26%3D%C3%BC',
    })
  })

  it('writes queries: nothing for what is undefined, a bare name for true', () => {
    expect(query({ a: 'x y', b: undefined, 'c&': true, d: 0, e: '' })).toBe('a=x%20y&c%26&d=0&e=')
    expect(query({})).toBe('')
  })

  it('writes segments that cannot leave their place', () => {
    expect(segment(42)).toBe('42')
    expect(segment('a/b?c#d e')).toBe('a%2Fb%3Fc%23d%20e')
    expect(segment("!'()*~")).toBe('%21%27%28%29%2A~')
    expect(segment('...')).toBe('...')
    for (const value of ['', '.', '..']) expect(() => segment(value)).toThrow(TypeError)
  })
})
