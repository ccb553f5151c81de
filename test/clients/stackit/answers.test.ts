import { inspect } from 'node:util'
import { firstValueFrom, lastValueFrom, toArray } from 'rxjs'
import { describe, expect, it } from 'vitest'
import type { CloudError } from '../../../src/errors.js'
import type { TrafficEvent } from '../../../src/http/types.js'
import type { FakeResponse } from '../../../src/testing/fake-transport.js'
import { zooClient } from './definition.js'

const animal = { name: 'ann', kind: 'cat' }
const json = { 'content-type': 'application/json; charset=utf-8' }

/** What a call with this answer gives, and the drift that was seen. */
async function answerTo(
  name: string,
  answer: FakeResponse,
  { strict = false, watched = true } = {},
): Promise<{ readonly result: unknown; readonly drift: readonly string[] }> {
  const { cloud } = zooClient(
    { 'GET /*': answer, 'POST /*': answer, 'PATCH /*': answer, 'DELETE /*': answer },
    { strict },
  )
  const drift: string[] = []
  const note = (event: TrafficEvent): void => {
    if (event.kind === 'drift') drift.push(...event.issues)
  }
  if (watched) cloud.traffic.subscribe(note)
  const args = { getAnimal: { animalId: 'a' }, addAnimal: { body: animal }, patchAnimal: { body: animal } }
  const given = name in args ? args[name as keyof typeof args] : {}
  const results = await lastValueFrom(cloud.zoo[name]!(given).pipe(toArray()))
  expect(results).toHaveLength(1)
  return { result: results[0], drift }
}

async function failureOf(action: Promise<unknown>): Promise<CloudError> {
  return action.then(
    () => {
      throw new Error('it succeeded')
    },
    (error: unknown) => error as CloudError,
  )
}

describe('an answer', () => {
  it.each<[string, string, FakeResponse, unknown]>([
    ['JSON', 'getAnimal', { json: animal, headers: json }, animal],
    [
      'JSON, whatever it says that it is',
      'getAnimal',
      { json: animal, headers: { 'content-type': 'text/plain' } },
      animal,
    ],
    ['JSON without saying so', 'getAnimal', { json: animal }, animal],
    ['one of two successes', 'patchAnimal', { status: 200, json: animal }, animal],
    ['the other one, of which nothing is known', 'patchAnimal', { status: 202, json: animal }, undefined],
    ['nothing, though it says JSON', 'patchAnimal', { status: 202, headers: json }, undefined],
    ['nothing', 'removeKeeper', { status: 200 }, undefined],
    ['text where none was announced', 'removeKeeper', { body: 'removed' }, undefined],
    [
      'a redirect that is a success',
      'findKeeper',
      { status: 302, headers: { location: '/x' }, json: { name: 'k' } },
      { name: 'k' },
    ],
    ['a text', 'log', { body: 'a,b\nä', headers: { 'content-type': 'text/csv' } }, 'a,b\nä'],
    ['a text without saying so', 'log', { body: '{}' }, '{}'],
    [
      'text where JSON is usual',
      'report',
      { body: 'a,b', headers: { 'content-type': 'text/csv; charset=utf-8' } },
      'a,b',
    ],
    ['JSON where text may be', 'report', { json: { items: [] }, headers: json }, { items: [] }],
  ])('is read: %s', async (_, name, answer, expected) => {
    expect(await answerTo(name, answer, { strict: true })).toEqual({ result: expected, drift: [] })
  })

  it('of bytes is bytes', async () => {
    const body = Uint8Array.of(0, 255, 10, 123)
    for (const type of ['application/octet-stream', 'application/json', 'text/plain']) {
      const { result } = await answerTo('backup', { body, headers: { 'content-type': type } })
      expect(result).toBeInstanceOf(Uint8Array)
      expect([...(result as Uint8Array)]).toEqual([...body])
    }
  })

  it('that is not what was announced is an error, and says what it was', async () => {
    const page = { body: '<html>Sign in</html>', headers: { 'content-type': 'text/html' } }
    const error = await failureOf(answerTo('getAnimal', page))
    expect(error).toMatchObject({ code: 'SKY_RESPONSE_FORMAT', operation: 'stackit.bigZoo.getAnimal' })
    expect(error).toHaveProperty('issues', ['body is not JSON'])
  })
})

describe('what differs from the description', () => {
  const rows: [string, unknown, string[]][] = [
    ['a field that is missing', { kind: 'cat' }, ['body.name: is missing']],
    ['a field of another kind', { ...animal, legs: 'four' }, ['body.legs: expected number, received string']],
    ['no object', [animal], ['body: expected object, received array']],
    ['a null', { ...animal, legs: null }, ['body.legs: expected number, received null']],
  ]
  it.each(rows)('is told, and an error only if that is wanted: %s', async (_, body, issues) => {
    expect(await answerTo('getAnimal', { json: body })).toEqual({ result: body, drift: issues })
    expect(await answerTo('getAnimal', { json: body }, { watched: false })).toEqual({
      result: body,
      drift: [],
    })
    const error = await failureOf(answerTo('getAnimal', { json: body }, { strict: true, watched: false }))
    expect(error).toMatchObject({ code: 'SKY_RESPONSE_FORMAT', issues })
  })

  it('is also a body that is missing', async () => {
    expect(await answerTo('getAnimal', { headers: json })).toEqual({
      result: undefined,
      drift: ['body: is missing'],
    })
    await expect(answerTo('getAnimal', {}, { strict: true })).rejects.toMatchObject({
      issues: ['body: is missing'],
    })
  })

  it.each<[string, object]>([
    ['a value that is not listed', { ...animal, kind: 'unicorn' }],
    ['a field that is not known', { ...animal, horn: 1 }],
    ['a text of another length or spelling', { ...animal, name: '' }],
    ['a number out of bounds', { ...animal, legs: -1 }],
    ['a form that is not known', { ...animal, diet: { type: 'plankton' } }],
    ['a form that fits twice', { ...animal, home: { bars: 1, depth: 2, name: 'n' } }],
    ['too many items', { ...animal, friends: [{ name: 'a' }, { name: 'b' }, { name: 'c' }] }],
  ])('is not: %s', async (_, body) => {
    expect(await answerTo('getAnimal', { json: body }, { strict: true })).toEqual({ result: body, drift: [] })
  })
})

describe('secrets of an answer', () => {
  const secretive = {
    ...animal,
    credentials: { user: 'u', password: 'hush-1' },
    others: [{ credentials: { password: { inner: { password: 'hush-2' } } } }],
  }

  it('can be read by name, at any depth, and are shown nowhere', async () => {
    const { cloud } = zooClient({ 'GET /*': { json: secretive } })
    const events: TrafficEvent[] = []
    cloud.traffic.subscribe((event) => events.push(event))
    const got = (await firstValueFrom(cloud.zoo['getAnimal']!({ animalId: 'a' }))) as typeof secretive
    expect(got.credentials.password).toBe('hush-1')
    expect(got.credentials.user).toBe('u')
    expect(got.others[0]?.credentials.password.inner.password).toBe('hush-2')
    for (const shown of [JSON.stringify(got), inspect(got, { depth: 9 }), inspect(events, { depth: 9 })]) {
      expect(shown).toContain('a')
      expect(shown).not.toContain('hush')
    }
  })

  it('are not in the errors of answers that are wrong', async () => {
    const { cloud } = zooClient({
      'GET /*': [
        { status: 409, json: { message: 'in use', ...secretive } },
        { body: `{"password": "hush-3" oops` },
      ],
    })
    for (const status of [409, undefined]) {
      const error = await failureOf(firstValueFrom(cloud.zoo['getAnimal']!({ animalId: 'a' })))
      expect(error).toHaveProperty(status === undefined ? 'issues' : 'status')
      expect(inspect(error, { depth: 9 })).not.toContain('hush')
    }
  })
})

describe('a redirect', () => {
  it('of anything but a GET is an error with the words of its body', async () => {
    const { cloud, requests } = zooClient({
      'DELETE /v2/keeper': {
        status: 307,
        headers: { location: 'https://elsewhere.example.org/' },
        json: { detail: [{ key: 'keeper', msg: 'is elsewhere' }] },
      },
    })
    const error = await failureOf(lastValueFrom(cloud.zoo['removeKeeper']!()))
    expect(error).toMatchObject({ code: 'SKY_HTTP', status: 307, reason: 'is elsewhere' })
    expect(requests).toHaveLength(1)
  })
})
