import { mergeMap, NEVER, of, range, timer } from 'rxjs'
import { describe, expect, it } from 'vitest'
import { createGate } from '../../src/streams/gate.js'
import { marbles } from '../../src/testing/marbles.js'

describe('createGate', () => {
  it(
    'lets so many pass at a time, in the order in which they came',
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const gate = createGate(2)
      const sources = [cold('--a|'), cold('------b|'), cold('-c|'), cold('--d|')]
      const all = range(0, 4).pipe(mergeMap((index) => gate.pass(sources[index] ?? NEVER)))
      expectObservable(all).toBe('--a-c-bd|')
      const turns = ['^--!', '^------!', '---^-!', '-----^--!']
      turns.forEach((turn, index) => {
        expectSubscriptions(sources[index]?.subscriptions ?? []).toBe(turn)
      })
    }),
  )

  it('is open again after an error and after one that was left', () => {
    const gate = createGate(1)
    const seen: string[] = []
    const left = gate.pass(NEVER).subscribe()
    const never = gate.pass(of('never')).subscribe((value) => seen.push(value))
    gate.pass(of('second')).subscribe((value) => seen.push(value))
    never.unsubscribe()
    left.unsubscribe()
    expect(seen).toEqual(['second'])
    gate.pass(timer(0)).subscribe().unsubscribe()
    gate.pass(of('third')).subscribe((value) => seen.push(value))
    expect(seen).toEqual(['second', 'third'])
  })
})
