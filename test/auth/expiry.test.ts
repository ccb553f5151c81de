import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { expiry, marginsOf } from '../../src/auth/expiry.js'

const receivedAt = Date.parse('2026-01-01T12:00:00Z')
const dateAt = (ms: number): string => new Date(ms).toUTCString()

describe('expiry', () => {
  it('counts a life from receipt, whatever the clocks say', () => {
    expect(expiry({ expiresIn: 600, date: dateAt(receivedAt + 3_600_000), receivedAt })).toEqual({
      expiresAt: receivedAt + 600_000,
    })
  })

  it('takes an absolute end as it is without a Date to compare', () => {
    expect(expiry({ absolute: receivedAt + 5_000, receivedAt })).toEqual({ expiresAt: receivedAt + 5_000 })
    expect(expiry({ absolute: receivedAt + 5_000, date: 'nonsense', receivedAt })).toEqual({
      expiresAt: receivedAt + 5_000,
    })
  })

  it.each([
    ['an hour ahead', 3_600_000],
    ['an hour behind', -3_600_000],
  ])('corrects an absolute end for a server whose clock is %s', (_, offset) => {
    const serverNow = receivedAt + offset
    const { expiresAt } = expiry({ absolute: serverNow + 600_000, date: dateAt(serverNow), receivedAt })
    expect(Math.abs((expiresAt ?? 0) - (receivedAt + 600_000))).toBeLessThan(1_000)
  })

  it('takes no difference below a second for a wrong clock', () => {
    const received = receivedAt + 999
    expect(expiry({ absolute: 7, date: dateAt(receivedAt), receivedAt: received })).toEqual({ expiresAt: 7 })
  })

  it('prefers the absolute end, and knows none where nothing is a number', () => {
    expect(expiry({ absolute: 7, expiresIn: 600, receivedAt })).toEqual({ expiresAt: 7 })
    expect(expiry({ absolute: Number.NaN, expiresIn: 1, receivedAt })).toEqual({
      expiresAt: receivedAt + 1_000,
    })
    expect(expiry({ absolute: Number.NaN, expiresIn: Number.NaN, receivedAt })).toEqual({})
  })
})

describe('margins', () => {
  const token = (life: number) => ({ value: 't', obtainedAt: receivedAt, expiresAt: receivedAt + life })

  it.each([
    ['an hour', 3_600_000, 300_000, 10_000],
    ['25 minutes', 1_500_000, 300_000, 10_000],
    ['10 minutes', 600_000, 120_000, 10_000],
    ['100 seconds', 100_000, 20_000, 5_000],
    ['10 seconds', 10_000, 2_000, 500],
  ])('shrink with the life: %s', (_, life, soft, hard) => {
    const { renewAt, unusableAt } = marginsOf(token(life), receivedAt, () => 0)
    expect(receivedAt + life - renewAt).toBe(soft)
    expect(receivedAt + life - unusableAt).toBe(hard)
  })

  it('differ by up to a tenth of the soft margin between clients, and never meet the hard one', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 10_000, max: 10 ** 10 }),
        fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
        (life, chance) => {
          const { renewAt, unusableAt } = marginsOf(token(life), receivedAt, () => chance)
          const soft = Math.min(300_000, life * 0.2)
          const margin = receivedAt + life - renewAt
          expect(margin).toBeLessThanOrEqual(soft + 0.001)
          expect(margin).toBeGreaterThan(soft * 0.9 - 0.001)
          expect(renewAt).toBeLessThan(unusableAt)
          expect(unusableAt).toBeLessThan(receivedAt + life)
        },
      ),
    )
  })

  it('do not exist for a token without a known end', () => {
    const never = { renewAt: Number.POSITIVE_INFINITY, unusableAt: Number.POSITIVE_INFINITY }
    expect(marginsOf({ value: 't', obtainedAt: 0 }, 0, () => 0)).toEqual(never)
    expect(marginsOf({ value: 't', obtainedAt: 0, expiresAt: Number.NaN }, 0, () => 0)).toEqual(never)
  })

  it('leave a second of rest to a token that was over when it came', () => {
    expect(marginsOf(token(-50), receivedAt, () => 0).renewAt).toBe(receivedAt + 1_000)
  })
})
