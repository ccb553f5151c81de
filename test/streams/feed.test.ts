import { defer, EMPTY, lastValueFrom, map, of, repeat, takeWhile, throwError, toArray } from 'rxjs'
import { describe, expect, it } from 'vitest'
import { feedAfter, mapFeed, mergeFeeds, type Feed } from '../../src/streams/feed.js'

interface Item {
  readonly path: string
}

/** Gives these batches, and counts how many were asked for. */
function feedOf(...batches: string[][]): { feed: Feed<Item>; asked: () => number } {
  let asked = 0
  return {
    asked: () => asked,
    feed: () =>
      defer(() => {
        const batch = batches[asked]
        asked += 1
        return batch === undefined ? EMPTY : of(batch.map((path) => ({ path })))
      }),
  }
}

/** All batches of a feed, asked for one after the other. */
function drain<T>(feed: Feed<T>): Promise<(readonly T[])[]> {
  return lastValueFrom(
    defer(() => feed().pipe(toArray())).pipe(
      repeat(),
      takeWhile((batches) => batches.length > 0),
      map(([batch = []]) => batch),
      toArray(),
    ),
  )
}

describe('mergeFeeds', () => {
  const merged = async (left: Feed<Item>, right: Feed<Item>): Promise<string[]> =>
    (await drain(mergeFeeds(left, right)))
      .flat()
      .map((pair) => `${pair.left?.path ?? '-'} ${pair.right?.path ?? '-'}`)

  it('pairs what has the same path, wherever the batches end', async () => {
    const expected = ['a -', 'b b', '- c', 'd d', 'e -', '- f', '😀 😀']
    const lefts = ['a', 'b', 'd', 'e', '😀']
    const rights = ['b', 'c', 'd', 'f', '😀']
    expect(await merged(feedOf(lefts).feed, feedOf(rights).feed)).toEqual(expected)
    const single = [feedOf(...lefts.map((path) => [path])), feedOf(...rights.map((path) => [path]))] as const
    expect(await merged(single[0].feed, single[1].feed)).toEqual(expected)
    expect(await merged(feedOf(['a', 'b'], ['d', 'e', '😀']).feed, feedOf(rights).feed)).toEqual(expected)
  })

  it('passes over empty batches, and ends only when both have ended', async () => {
    expect(await merged(feedOf([], ['a'], [], []).feed, feedOf().feed)).toEqual(['a -'])
    expect(await merged(feedOf().feed, feedOf([], [], ['a']).feed)).toEqual(['- a'])
    expect(await merged(feedOf().feed, feedOf().feed)).toEqual([])
  })

  it('asks for no more than one batch of each side ahead', async () => {
    const left = feedOf(['a'], ['b'], ['c'])
    const right = feedOf(['a'], ['b'], ['c'])
    await lastValueFrom(mergeFeeds(left.feed, right.feed)())
    expect([left.asked(), right.asked()]).toEqual([1, 1])
  })

  it('fails with the error of either side', async () => {
    const failing: Feed<Item> = () => throwError(() => new Error('no'))
    await expect(drain(mergeFeeds(feedOf(['a']).feed, failing))).rejects.toThrow('no')
    await expect(drain(mergeFeeds(failing, feedOf(['a']).feed))).rejects.toThrow('no')
  })
})

describe('mapFeed', () => {
  it('leaves out what becomes undefined', async () => {
    const feed = mapFeed(feedOf(['a', 'b'], ['b']).feed, ({ path }) => (path === 'b' ? undefined : path))
    expect(await drain(feed)).toEqual([['a'], []])
  })
})

describe('feedAfter', () => {
  it('opens once, when it is first asked', async () => {
    let opened = 0
    const feed = feedAfter(() =>
      defer(() => {
        opened += 1
        return of(feedOf(['a'], ['b']).feed)
      }),
    )
    expect(opened).toBe(0)
    expect(await drain(feed)).toEqual([[{ path: 'a' }], [{ path: 'b' }]])
    expect(opened).toBe(1)
  })
})
