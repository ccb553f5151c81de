import { concat, defer, NEVER, Observable, of, throwError } from 'rxjs'
import { describe, expect, it } from 'vitest'
import { withResource } from '../../src/streams/resource.js'

const failure = new Error('broken')

function record(log: string[], closing: () => Promise<void> = () => Promise.resolve()) {
  return {
    close: () => {
      log.push('close')
      return closing()
    },
  }
}

function outcome(source: Observable<unknown>, log: string[]): Promise<void> {
  return new Promise((resolve) => {
    source.subscribe({
      next: (value) => log.push(String(value)),
      error: (error: unknown) => {
        log.push(`error ${(error as Error).message}`)
        resolve()
      },
      complete: () => {
        log.push('complete')
        resolve()
      },
    })
  })
}

describe('withResource', () => {
  it('closes before it completes', async () => {
    const log: string[] = []
    await outcome(
      withResource(
        () => Promise.resolve(record(log)),
        () => of('a', 'b'),
      ),
      log,
    )
    expect(log.slice(0, 4)).toEqual(['a', 'b', 'close', 'complete'])
  })

  it('closes before it fails, and keeps the first error', async () => {
    const log: string[] = []
    const closing = (): Promise<void> => Promise.reject(new Error('closing'))
    await outcome(
      withResource(
        () => Promise.resolve(record(log, closing)),
        () =>
          concat(
            of('a'),
            throwError(() => failure),
          ),
      ),
      log,
    )
    expect(log.slice(0, 2)).toEqual(['a', 'close'])
    expect(log.at(-1)).toBe('error broken')
  })

  it('fails if closing fails', async () => {
    const log: string[] = []
    const closing = (): Promise<void> => Promise.reject(new Error('closing'))
    await outcome(
      withResource(
        () => Promise.resolve(record(log, closing)),
        () => of('a'),
      ),
      log,
    )
    expect(log.at(-1)).toBe('error closing')
  })

  it('uses nothing that could not be opened', async () => {
    const log: string[] = []
    let used = false
    await outcome(
      withResource(
        () => Promise.reject(failure),
        () => defer(() => of((used = true))),
      ),
      log,
    )
    expect(log).toEqual(['error broken'])
    expect(used).toBe(false)
  })

  it('closes when the caller leaves', async () => {
    const log: string[] = []
    const opened = Promise.resolve(record(log))
    const subscription = withResource(
      () => opened,
      () => NEVER,
    ).subscribe()
    await opened
    subscription.unsubscribe()
    expect(log).toEqual(['close'])
  })

  it('closes what is open only after the caller has left', async () => {
    const log: string[] = []
    let open: (resource: ReturnType<typeof record>) => void = () => undefined
    const opening = new Promise<ReturnType<typeof record>>((resolve) => (open = resolve))
    let used = false
    withResource(
      () => opening,
      () => defer(() => of((used = true))),
    )
      .subscribe()
      .unsubscribe()
    open(record(log))
    await opening
    await Promise.resolve()
    expect(log).toEqual(['close'])
    expect(used).toBe(false)
  })
})
