import { describe, expect, it, vi } from 'vitest'
import { NetworkError } from '../../src/errors.js'
import { observe } from '../../src/http/middleware.js'
import { createTraffic } from '../../src/http/traffic.js'
import type { TrafficEvent } from '../../src/http/types.js'
import { marbles } from '../../src/testing/marbles.js'
import { defaultRuntime } from '../../src/runtime.js'
import { recorder, requestOf, responseOf, script } from './requests.js'

describe('traffic', () => {
  it('is hot, and completes when it is closed', () => {
    const traffic = createTraffic()
    const log: unknown[] = []
    const event: TrafficEvent = { kind: 'drift', operation: 'x', issues: [] }
    traffic.emit(event)
    expect(traffic.observed).toBe(false)
    traffic.events.subscribe({ next: (seen) => log.push(seen), complete: () => log.push('complete') })
    expect(traffic.observed).toBe(true)
    traffic.emit(event)
    traffic.close()
    expect(log).toEqual([event, 'complete'])
    expect(traffic.observed).toBe(false)
  })

  it('costs nothing while nobody watches: the handler itself is passed on, the clock not asked', () => {
    const now = vi.fn(() => 0)
    const transport = vi.fn(() => () => undefined)
    const scheduler = { ...defaultRuntime.scheduler, now } as never
    const handler = recorder()
    const request = requestOf()
    observe(createTraffic(), { ...defaultRuntime, scheduler })(transport)(request, handler)
    expect(transport).toHaveBeenCalledWith(request, handler)
    expect(now).not.toHaveBeenCalled()
  })

  it('tells request and answer with the time between, and no secret', () => {
    marbles(({ runtime, cold, flush }) => {
      const traffic = createTraffic()
      const events: TrafficEvent[] = []
      traffic.events.subscribe((event) => events.push(event))
      const failed = new NetworkError('cut')
      const observed = observe(traffic, runtime)
      const request = requestOf({
        origin: 'https://cloud.test',
        path: '/tokens/tok-123456?X-Auth-Token=hunter2&a=b',
        secrets: ['tok-123456'],
        headers: { 'x-auth-token': 'hunter2' },
        body: 'hunter2',
      })
      const handler = recorder()
      observed((_request, inner) => {
        cold('---a').subscribe(() => {
          inner.next(responseOf(204))
        })
        return () => undefined
      })(request, handler)
      observed(script(failed))(requestOf({ method: 'POST' }), handler)
      flush()
      expect(events).toEqual([
        {
          kind: 'request',
          operation: 'test.things.do',
          method: 'GET',
          url: 'https://cloud.test/tokens/[redacted]?X-Auth-Token=[redacted]&a=b',
        },
        { kind: 'request', operation: 'test.things.do', method: 'POST', url: 'http://127.0.0.1:1/things' },
        { kind: 'failure', operation: 'test.things.do', error: failed, elapsedMs: 0 },
        { kind: 'response', operation: 'test.things.do', status: 204, elapsedMs: 3 },
      ])
      expect(handler.calls).toHaveLength(2)
    })()
  })
})
