import { describe, expect, it } from 'vitest'
import { NetworkError, NotFoundError } from '../../../src/errors.js'
import type { Server, ServerStatus } from '../../../src/clients/synnefo/schemas.js'
import {
  built,
  gone,
  reached,
  rebooted,
  removed,
  settled,
  started,
  stopped,
  vanished,
  type ServerClassifier,
} from '../../../src/clients/synnefo/server-states.js'

/** `ACTIVE/STOPPING` is the status and the task that one poll saw. */
function serverOf(seen: string): Server {
  const [status = '', task = ''] = seen.split('/')
  return { id: 42, name: 'web-1', status, 'SNF:task_state': task }
}

/** What the classifier says of each of the polls, as one word. */
function verdicts(classifier: ServerClassifier, polls: string): string[] {
  const classify = classifier()
  return polls.split(' ').map((seen) => classify(serverOf(seen)).kind)
}

const ends = (kind: 'done' | 'failed', polls: string): string[] => [
  ...polls
    .split(' ')
    .slice(1)
    .map(() => 'pending'),
  kind,
]

interface Row {
  readonly what: string
  readonly classifier: ServerClassifier
  readonly done: readonly string[]
  readonly failed: readonly string[]
  readonly pending: readonly string[]
}

// Synnefo-compute dossier 6.5, row by row.
const table: readonly Row[] = [
  {
    what: 'build',
    classifier: built,
    done: [
      'ACTIVE',
      'BUILD/BUILDING BUILD/BUILDING ACTIVE',
      'BUILD ACTIVE',
      'UNKNOWN ACTIVE',
      'BUILD STOPPED',
    ],
    failed: ['ERROR', 'BUILD/BUILDING ERROR', 'BUILD/DESTROYING DELETED', 'DELETED'],
    pending: ['BUILD/BUILDING', 'BUILD', 'UNKNOWN', 'REBOOT/REBOOTING', 'STOPPED/STARTING'],
  },
  {
    what: 'start',
    classifier: started,
    done: ['STOPPED/STARTING STOPPED/STARTING ACTIVE', 'ACTIVE', 'STOPPED STOPPED/STARTING ACTIVE'],
    failed: [
      'STOPPED/STARTING ERROR',
      'STOPPED/STARTING DELETED',
      'STOPPED/STARTING STOPPED',
      'STOPPED STOPPED/STARTING STOPPED',
      'ERROR',
      // The job came and went between two polls.
      'STOPPED STOPPED STOPPED STOPPED STOPPED',
    ],
    pending: ['STOPPED/STARTING', 'STOPPED', 'ACTIVE/STARTING', 'UNKNOWN', 'STOPPED STOPPED STOPPED STOPPED'],
  },
  {
    what: 'stop',
    classifier: stopped,
    done: ['ACTIVE/STOPPING STOPPED', 'STOPPED', 'ACTIVE ACTIVE/STOPPING STOPPED'],
    failed: [
      'ACTIVE/STOPPING ERROR',
      'ACTIVE/STOPPING DELETED',
      'ACTIVE/STOPPING ACTIVE',
      'ACTIVE ACTIVE ACTIVE ACTIVE ACTIVE',
    ],
    pending: ['ACTIVE/STOPPING', 'ACTIVE', 'STOPPED/STOPPING', 'ACTIVE ACTIVE ACTIVE ACTIVE'],
  },
  {
    what: 'reboot',
    classifier: rebooted,
    done: [
      'ACTIVE/REBOOTING REBOOT/REBOOTING ACTIVE',
      'REBOOT ACTIVE',
      'ACTIVE ACTIVE ACTIVE',
      'STOPPED/REBOOTING ACTIVE',
      'STOPPED ACTIVE/REBOOTING ACTIVE',
    ],
    failed: [
      'ACTIVE/REBOOTING ERROR',
      'REBOOT/REBOOTING DELETED',
      'STOPPED/REBOOTING STOPPED',
      'STOPPED STOPPED STOPPED STOPPED STOPPED',
    ],
    pending: ['ACTIVE ACTIVE', 'REBOOT', 'REBOOT/REBOOTING', 'STOPPED/REBOOTING', 'STOPPED STOPPED'],
  },
  {
    what: 'delete',
    classifier: removed,
    done: [
      'ACTIVE/DESTROYING DELETED',
      'DELETED',
      'ERROR/DESTROYING DELETED',
      'ERROR DELETED',
      'BUILD/DESTROYING ACTIVE/DESTROYING DELETED',
    ],
    failed: ['ACTIVE/DESTROYING ACTIVE', 'STOPPED/DESTROYING STOPPED', 'ERROR/DESTROYING ERROR'],
    pending: ['ACTIVE/DESTROYING', 'ACTIVE', 'ERROR', 'BUILD/DESTROYING BUILD', 'ACTIVE/STOPPING ACTIVE'],
  },
  {
    what: 'settled',
    classifier: settled,
    done: [
      'ACTIVE',
      'STOPPED',
      'DELETED',
      'BUILD/BUILDING ACTIVE',
      'ACTIVE/STOPPING STOPPED',
      'BUILD BUILD ACTIVE',
    ],
    failed: ['ERROR', 'BUILD/BUILDING ERROR'],
    pending: [
      'BUILD',
      'REBOOT',
      'RESIZE',
      'UNKNOWN',
      'ACTIVE/STOPPING',
      'ERROR/DESTROYING',
      'STOPPED/RESIZING',
    ],
  },
  {
    what: 'until STOPPED',
    classifier: reached('STOPPED'),
    done: ['STOPPED', 'ACTIVE ACTIVE/STOPPING STOPPED/STOPPING STOPPED'],
    failed: ['ERROR', 'DELETED'],
    pending: ['ACTIVE', 'STOPPED/STARTING', 'BUILD'],
  },
  {
    what: 'until ERROR',
    classifier: reached('ERROR'),
    done: ['ERROR', 'BUILD ACTIVE ERROR'],
    failed: ['DELETED'],
    pending: ['ACTIVE', 'ERROR/DESTROYING'],
  },
  {
    what: 'until REBOOT, which never comes without its task',
    classifier: reached('REBOOT'),
    done: ['ACTIVE ACTIVE/REBOOTING REBOOT/REBOOTING'],
    failed: ['ERROR', 'DELETED'],
    pending: ['ACTIVE'],
  },
]

describe.each(table)('$what', ({ classifier, done, failed, pending }) => {
  it.each(done)('is done after %s', (polls) => {
    expect(verdicts(classifier, polls)).toEqual(ends('done', polls))
  })
  it.each(failed)('has failed after %s', (polls) => {
    expect(verdicts(classifier, polls)).toEqual(ends('failed', polls))
  })
  it.each(pending)('goes on after %s', (polls) => {
    expect(verdicts(classifier, polls).at(-1)).toBe('pending')
  })
})

describe('verdicts', () => {
  it('tell state, progress of a build, and the server as result', () => {
    const building = { ...serverOf('BUILD/BUILDING'), progress: 43 }
    expect(built()(building)).toEqual({ kind: 'pending', state: 'BUILD', percent: 43 })
    expect(built()({ ...building, progress: null })).toMatchObject({ percent: undefined })
    const active = serverOf('ACTIVE')
    expect(built()(active)).toEqual({ kind: 'done', state: 'ACTIVE', percent: 100, result: active })
    expect(settled()(building)).toMatchObject({ percent: 43 })
    expect(settled()({ ...serverOf('ACTIVE/STOPPING'), progress: 100 })).toMatchObject({ percent: undefined })
  })

  it('say why, with the worst of the diagnostics', () => {
    const diagnostic = (level: string, message: string) => ({ level, message, created: '', source: '' })
    const broken = {
      ...serverOf('ERROR'),
      diagnostics: [diagnostic('WARNING', 'slow disk'), diagnostic('ERROR', 'no such image')],
    }
    expect(built()(broken)).toMatchObject({ reason: 'server 42 is in state ERROR: no such image' })
    expect(built()({ ...broken, diagnostics: [diagnostic('DEBUG', 'hm')] })).toMatchObject({
      reason: 'server 42 is in state ERROR: hm',
    })
    expect(built()(serverOf('DELETED'))).toMatchObject({ reason: 'server 42 is in state DELETED' })
    const classify = started()
    classify(serverOf('STOPPED/STARTING'))
    expect(classify(serverOf('STOPPED'))).toMatchObject({
      reason: 'server 42 did not start and is still STOPPED',
    })
  })

  it('of two watchers do not mix', () => {
    const [one, other] = [started(), started()]
    one(serverOf('STOPPED/STARTING'))
    expect(other(serverOf('STOPPED')).kind).toBe('pending')
    expect(one(serverOf('STOPPED')).kind).toBe('failed')
  })

  it('a missing task is none', () => {
    const bare: Server = { id: 42, name: '', status: 'STOPPED' }
    expect(stopped()(bare).kind).toBe('done')
    expect(stopped()({ ...bare, 'SNF:task_state': null }).kind).toBe('done')
  })

  it('removed is the same as until DELETED', () => {
    expect(reached('DELETED' satisfies ServerStatus)).toBe(removed)
  })
})

describe('vanished', () => {
  const missing = new NotFoundError({ status: 404, method: 'GET', url: 'x' })

  it('is a server that was there before; a wrong id is not one', () => {
    const last = serverOf('ACTIVE')
    expect(vanished(42)(missing, last)).toEqual({ result: { ...last, status: 'DELETED' } })
    expect(vanished(42)(missing, undefined)).toBeUndefined()
    expect(vanished(42)(new NetworkError('cut'), last)).toBeUndefined()
  })
})

describe('gone', () => {
  const missing = new NotFoundError({ status: 404, method: 'GET', url: 'x' })

  it('is a server that cannot be found, as it was last seen', () => {
    const last = { ...serverOf('ACTIVE/DESTROYING'), flavor: { id: 3 } }
    expect(gone(42)(missing, last)).toEqual({ result: { ...last, status: 'DELETED' } })
    expect(gone(42)(missing, undefined)).toEqual({ result: { id: 42, name: '', status: 'DELETED' } })
  })

  it('is not any other trouble', () => {
    expect(gone(42)(new NetworkError('cut'), undefined)).toBeUndefined()
    expect(gone(42)(new NotFoundError({ status: 410, method: 'GET', url: 'x' }), undefined)).toBeUndefined()
  })
})
