import { Readable } from 'node:stream'
import { lastValueFrom, NEVER, of, Subject, toArray, type Observable } from 'rxjs'
import { describe, expect, it } from 'vitest'
import { createInquiry } from '../../../src/clients/synnefo/pithos/upload/inquiry.js'
import type { HttpRequest } from '../../../src/http/types.js'
import { createPithosFake, hasher, type PithosFake } from './pithos-fake.js'

const CONCURRENCY = 2
const LANES = CONCURRENCY + hasher.threads
/** More blocks than there are lanes, each another one. */
const blocks = Array.from({ length: 3 * LANES }, (_, index) => `b${String(index).padStart(3, '0')}`)
const content = Buffer.from(blocks.join(''))
const options = { concurrency: CONCURRENCY }

const run = <T>(events: Observable<T>): Promise<T[]> => lastValueFrom(events.pipe(toArray()))
const isPut = ({ method }: HttpRequest): boolean => method === 'PUT'
/** The hashes of each question that came before the object was put. */
function asked(fake: PithosFake): string[][] {
  const puts = fake.requests.filter(isPut)
  return puts.map(({ body }) => (JSON.parse(String(body)) as { hashes: string[] }).hashes)
}

describe('an upload of many blocks', () => {
  it('sends blocks while others are not read yet', async () => {
    const fake = createPithosFake(4)
    let stuck = false
    fake.interfere = ({ method }) => {
      if (method !== 'POST' || fake.posted.length < 3) return undefined
      stuck = true
      return NEVER
    }
    const kinds: string[] = []
    let hashed = 0
    const subscription = fake.pithos.upload(content, 'c/a', options).subscribe((event) => {
      kinds.push(event.kind)
      if (event.kind === 'hashing') hashed = event.bytes
    })
    await expect.poll(() => stuck).toBe(true)
    subscription.unsubscribe()
    expect(fake.posted).toHaveLength(3)
    expect(hashed).toBeLessThan(content.length)
    // What is known when the object is put can only be known when all is hashed.
    expect(fake.objects.size).toBe(0)
  })

  it('asks for each block once, with one that nothing has, and puts the object once', async () => {
    const fake = createPithosFake(4)
    const events = await run(fake.pithos.upload(content, 'c/a', options))
    expect(events.at(-1)).toMatchObject({ kind: 'done', bytes: content.length, reusedBytes: 0 })
    expect(fake.posted.map(String).sort()).toEqual(blocks)
    const questions = asked(fake).slice(0, -1)
    expect(questions.flatMap((hashes) => hashes.slice(0, -1)).sort()).toEqual([...fake.blocks.keys()].sort())
    for (const hashes of questions) {
      const unheardOf = hashes.at(-1) ?? ''
      expect(unheardOf).toMatch(/^[0-9a-f]{64}$/)
      expect(fake.blocks.has(unheardOf)).toBe(false)
    }
  })

  it('sends only what is missing', async () => {
    const fake = createPithosFake(4)
    await fake.put('old', content)
    const changed = Buffer.from(content)
    changed.write('!!!!', 4 * 5)
    const events = await run(fake.pithos.upload(changed, 'c/a', options))
    expect(fake.posted.map(String)).toEqual(['!!!!'])
    expect(events.at(-1)).toMatchObject({ kind: 'done', reusedBytes: content.length - 4 })
  })

  it('sends a block once that occurs in many places, and counts all of them', async () => {
    const fake = createPithosFake(4)
    const events = await run(fake.pithos.upload(Buffer.alloc(4 * 3 * LANES, 'same'), 'c/a', options))
    expect(fake.posted.map(String)).toEqual(['same'])
    expect(events.at(-1)).toMatchObject({ kind: 'done', reusedBytes: 4 * (3 * LANES - 1) })
    const bytes = events.flatMap((event) => (event.kind === 'progress' ? [event.bytes] : []))
    expect(bytes).toEqual([...bytes].sort((one, other) => one - other))
  })

  it('has no more blocks on the way than it may', async () => {
    const fake = createPithosFake(4)
    fake.interfere = ({ method }) => (method === 'POST' ? NEVER : undefined)
    const subscription = fake.pithos.upload(content, 'c/a', options).subscribe()
    await expect.poll(() => fake.lines('POST').length).toBe(CONCURRENCY)
    // All lanes are taken: everything that can be asked was asked.
    await expect.poll(() => asked(fake).flatMap((hashes) => hashes.slice(0, -1)).length).toBe(LANES)
    expect(fake.lines('POST')).toHaveLength(CONCURRENCY)
    subscription.unsubscribe()
  })

  it('is planned anew if the answer to a question is that the size is wrong', async () => {
    const fake = createPithosFake(4)
    fake.interfere = (request, turn) => {
      if (!isPut(request) || turn > 1) return undefined
      fake.blockSize = 16
      return { status: 400, json: { badRequest: { message: 'size does not match' } } }
    }
    const events = await run(fake.pithos.upload(content, 'c/a', options))
    expect(events.filter(({ kind }) => kind === 'planned')).toMatchObject([
      { checkpoint: { blockSize: 4 } },
      { checkpoint: { blockSize: 16 } },
    ])
    expect(fake.objects.get('a')?.bytes).toBe(content.length)
  })

  it('does not trust a server that has what it cannot have', async () => {
    const fake = createPithosFake(4)
    fake.interfere = (request, turn) => (isPut(request) && turn === 1 ? { status: 201 } : undefined)
    await expect(run(fake.pithos.upload(content, 'c/a', options))).rejects.toThrow(/cannot have/)
  })

  it('asks for the blocks of a stream, too', async () => {
    const fake = createPithosFake(4)
    await fake.put('old', content.subarray(0, 4 * LANES))
    const events = await run(fake.pithos.upload(Readable.from([content]), 'c/a', options))
    expect(fake.posted.map(String).sort()).toEqual(blocks.slice(LANES))
    expect(events.at(-1)).toMatchObject({ kind: 'done', reusedBytes: 4 * LANES, bytes: content.length })
  })
})

describe('createInquiry', () => {
  it('has one question under way, and asks the rest together', () => {
    const questions: { hashes: readonly string[]; answer: Subject<readonly string[]> }[] = []
    const inquiry = createInquiry((hashes) => {
      const answer = new Subject<readonly string[]>()
      questions.push({ hashes, answer })
      return answer
    })
    const seen: string[] = []
    for (const hash of ['a', 'b', 'c', 'd']) {
      inquiry.isMissing(hash).subscribe((missing) => seen.push(`${hash} ${String(missing)}`))
    }
    expect(questions.map(({ hashes }) => hashes)).toEqual([['a']])
    questions[0]?.answer.next(['a'])
    expect(seen).toEqual(['a true'])
    expect(questions.map(({ hashes }) => hashes)).toEqual([['a'], ['b', 'c', 'd']])
    questions[1]?.answer.next(['c'])
    expect(seen).toEqual(['a true', 'b false', 'c true', 'd false'])
  })

  it('tells all who wait that it failed, and asks again for others', () => {
    let turn = 0
    const inquiry = createInquiry(() => (turn++ === 0 ? first : of<string[]>([])))
    const first = new Subject<readonly string[]>()
    const failed: unknown[] = []
    inquiry.isMissing('a').subscribe({ error: (error: unknown) => failed.push(error) })
    const seen: boolean[] = []
    inquiry.isMissing('b').subscribe((missing) => seen.push(missing))
    first.error('lost')
    expect(failed).toEqual(['lost'])
    expect(seen).toEqual([false])
  })

  it('takes back a question that nobody waits for any more', () => {
    const answer = new Subject<readonly string[]>()
    const inquiry = createInquiry(() => answer)
    inquiry.isMissing('a').subscribe().unsubscribe()
    expect(answer.observed).toBe(false)
    const never = inquiry.isMissing('b').subscribe()
    const waiting = inquiry.isMissing('c').subscribe()
    waiting.unsubscribe()
    expect(answer.observed).toBe(true)
    never.unsubscribe()
    expect(answer.observed).toBe(false)
  })
})
