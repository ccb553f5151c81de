import { EMPTY, finalize, NEVER, Subject, throwError, type Observable } from 'rxjs'
import { expect, it } from 'vitest'
import { createPieceIntake, type Piece, type PieceIntake } from '../../src/streams/piece-intake.js'

interface Intake extends PieceIntake {
  readonly told: string[]
}

function intakeOf(
  handOn: (piece: Piece) => Observable<unknown>,
  { count = 2, border = () => Infinity }: { count?: number; border?: (offset: number) => number } = {},
): Intake {
  const told: string[] = []
  const intake = createPieceIntake({
    buffers: Array.from({ length: count }, () => new Uint8Array(4)),
    start: 100,
    border,
    handOn: (piece) => {
      told.push(`${piece.offset} ${Buffer.from(piece.bytes).toString()}`)
      return handOn(piece)
    },
  })
  return { ...intake, told }
}
function start({ work, told }: Intake): void {
  work.subscribe({
    error: (error: unknown) => told.push(String(error)),
    complete: () => told.push('complete'),
  })
}
const bytes = (text: string): Uint8Array => Buffer.from(text)
const never = (): void => {
  throw new Error('resumed without a pause')
}

it('hands bytes on in pieces, which end at borders', () => {
  const intake = intakeOf(() => EMPTY, { border: (offset) => (offset < 106 ? 106 : 109) })
  start(intake)
  expect(intake.write(bytes('ab'), never)).toBe(true)
  expect(intake.position()).toBe(102)
  expect(intake.write(bytes('cdefghi'), never)).toBe(true)
  intake.end()
  expect(intake.told).toEqual(['100 abcd', '104 ef', '106 ghi', 'complete'])
})

it('holds what comes while all buffers are full, and asks for more when one is free', () => {
  const steps = [new Subject(), new Subject(), new Subject(), new Subject()]
  let step = 0
  const intake = intakeOf(() => steps[step++] ?? EMPTY)
  start(intake)
  let resumed = 0
  const resume = (): void => {
    resumed += 1
  }
  const chunk = bytes('abcdefghijklm')
  expect(intake.write(chunk, resume)).toBe(false)
  chunk.fill(0)
  expect(intake.position()).toBe(113)
  expect(intake.told).toEqual(['100 abcd', '104 efgh'])
  steps[1]?.complete()
  expect([intake.told.at(-1), resumed]).toEqual(['108 ijkl', 0])
  steps[0]?.complete()
  expect(resumed).toBe(1)
  expect(intake.write(bytes('nop'), resume)).toBe(false)
  expect(intake.told.at(-1)).toBe('112 mnop')
  intake.end()
  expect(intake.told.at(-1)).toBe('112 mnop')
  steps[2]?.complete()
  expect(intake.told.at(-1)).toBe('112 mnop')
  steps[3]?.complete()
  expect(intake.told.at(-1)).toBe('complete')
})

it('fails with what a piece fails with, and leaves the others', () => {
  let left = 0
  const intake = intakeOf(({ offset }) =>
    offset === 100
      ? NEVER.pipe(
          finalize(() => {
            left += 1
          }),
        )
      : throwError(() => new Error('disk full')),
  )
  start(intake)
  intake.write(bytes('abcdefgh'), never)
  expect(intake.told.at(-1)).toBe('Error: disk full')
  expect(left).toBe(1)
})
