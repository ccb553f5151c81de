import { expect, it } from 'vitest'
import { createClock } from '../../../src/testing/cloud/clock.js'

it('runs due tasks in the order of their times, with the time that each was due', () => {
  const clock = createClock({ manual: true })
  const seen: string[] = []
  const note = (name: string) => () => seen.push(`${name}@${String(clock.now())}`)
  clock.after(30, note('late'))
  clock.after(10, note('early'))
  clock.after(10, note('early too'))
  clock.after(31, note('not yet'))
  clock.advance(30)
  expect(seen).toEqual(['early@10', 'early too@10', 'late@30'])
  expect(clock.now()).toBe(30)
  clock.advance(1)
  expect(seen.at(-1)).toBe('not yet@31')
})

it('runs what a task schedules within the same step', () => {
  const clock = createClock({ manual: true })
  const seen: number[] = []
  const tick = (): void => {
    seen.push(clock.now())
    clock.after(7, tick)
  }
  clock.after(7, tick)
  clock.advance(30)
  expect(seen).toEqual([7, 14, 21, 28])
})

it('calls tasks off, alone and all at once', () => {
  const clock = createClock({ manual: true })
  const seen: string[] = []
  const cancel = clock.after(5, () => seen.push('cancelled'))
  clock.after(5, () => seen.push('kept'))
  cancel()
  clock.advance(5)
  clock.after(5, () => seen.push('forgotten'))
  clock.stop()
  clock.advance(5)
  expect(seen).toEqual(['kept'])
})

it('keeps the order of many tasks', () => {
  const clock = createClock({ manual: true })
  const seen: number[] = []
  const delays = Array.from({ length: 2000 }, (_, index) => (index * 7919) % 1009)
  for (const delay of delays) clock.after(delay, () => seen.push(delay))
  clock.advance(2000)
  expect(seen).toEqual([...delays].sort((left, right) => left - right))
})

it('runs faster than the wall', async () => {
  const clock = createClock({ speed: 1000 })
  const began = performance.now()
  await new Promise<void>((resolve) => {
    clock.after(10_000, resolve)
  })
  const took = performance.now() - began
  expect(clock.now()).toBeGreaterThanOrEqual(10_000)
  expect(took).toBeGreaterThanOrEqual(9)
  expect(took).toBeLessThan(5000)
  clock.stop()
})

it('jumps ahead when it runs on its own, too', () => {
  const clock = createClock({ speed: 1 })
  const seen: string[] = []
  clock.after(3_600_000, () => seen.push('an hour later'))
  clock.advance(3_600_000)
  expect(seen).toEqual(['an hour later'])
  clock.stop()
})

it('refuses times that make no sense', () => {
  expect(() => createClock({ speed: 0 })).toThrow('clock.speed')
  expect(() => {
    createClock({ manual: true }).advance(-1)
  }).toThrow(TypeError)
})
