import type { Clock } from '../service.js'
import type { Action, Collection } from '../slipstream/cimi/collections.js'
import { CimiFailure } from '../slipstream/cimi/failure.js'
import type { Fields } from '../slipstream/cimi/json.js'
import type { Document, DocumentStore } from '../slipstream/cimi/store.js'
import { ADMINISTRATORS, readableBy, USERS } from './dialect.js'

/** Times of jobs, ms of cloud time. */
export interface JobTimes {
  /** In the queue. */
  readonly jobQueueMs: number
  /** From when a job is taken to when it is done. */
  readonly jobRunMs: number
  /** Until an edge device fetches a job of its own. */
  readonly jobPullMs: number
}

/** What is to be done, and what comes of it. */
export interface Task {
  readonly action: string
  /** Id of the resource that it is done to. */
  readonly target: string
  readonly owner: string
  readonly mode: 'push' | 'pull'
  readonly payload?: Fields
  /** It was taken from the queue. */
  readonly taken?: () => void
  readonly progressed?: (percent: number) => void
  readonly succeeded: () => void
  /** It failed, or was called off by somebody. */
  readonly failed: (message: string) => void
}

export interface Jobs {
  readonly collection: Collection
  submit(task: Task): Document
  /** Calls off what is still under way for a target, without a word to the target. */
  supersede(target: string): void
  /** The next job that is submitted fails half-way, with this message. */
  readonly failNext: (message: string) => void
}

/** Where a job stands a fifth, two fifths … of its time after it was taken. */
const MILESTONES = [20, 40, 60, 80] as const
const FINAL: readonly unknown[] = ['SUCCESS', 'FAILED', 'CANCELED']

/** Jobs: QUEUED, then RUNNING with a progress that only rises, then an end that lasts (slipstream dossier, Appendix N). */
export function createJobs(options: {
  readonly store: DocumentStore
  readonly clock: Clock
  readonly wallNow: () => number
  readonly times: JobTimes
}): Jobs {
  const { store, clock, wallNow, times } = options
  const underway = new Map<
    string,
    { readonly task: Task; cancelTimer: () => void; readonly submitted: number }
  >()
  const failures: string[] = []

  const stamp = (): Fields => ({ 'time-of-status-change': new Date(wallNow()).toISOString() })
  const end = (id: string, state: string, message: string | undefined, code: number | undefined): void => {
    const entry = underway.get(id)
    entry?.cancelTimer()
    underway.delete(id)
    store.update(id, {
      state,
      progress: 100,
      duration: Math.round((clock.now() - (entry?.submitted ?? clock.now())) / 1000),
      ...stamp(),
      ...(message === undefined ? {} : { 'status-message': message }),
      ...(code === undefined ? {} : { 'return-code': code }),
    })
  }
  const later = (id: string, ms: number, step: () => void): void => {
    const entry = underway.get(id)
    if (entry === undefined) return
    entry.cancelTimer = clock.after(ms, () => {
      // The operator may have taken the job away.
      if (store.get(id) === undefined) underway.delete(id)
      else step()
    })
  }
  const submit = (task: Task): Document => {
    const failure = failures.shift()
    const job = store.add('job', {
      action: task.action,
      state: 'QUEUED',
      progress: 0,
      'target-resource': { href: task.target },
      'affected-resources': [{ href: task.target }],
      'execution-mode': task.mode,
      priority: 999,
      version: 3,
      'created-by': task.owner,
      ...(task.payload === undefined ? {} : { payload: JSON.stringify(task.payload) }),
      ...stamp(),
      acl: { owners: [ADMINISTRATORS], 'view-data': [task.owner], manage: [task.owner] },
    })
    const { id } = job
    underway.set(id, { task, cancelTimer: () => undefined, submitted: clock.now() })
    const stepMs = times.jobRunMs / (MILESTONES.length + 1)
    const reach = (index: number): void => {
      const percent = MILESTONES[index]
      if (percent === undefined) {
        end(id, 'SUCCESS', undefined, 0)
        task.succeeded()
      } else if (failure !== undefined && percent > 50) {
        end(id, 'FAILED', failure, 1)
        task.failed(failure)
      } else {
        store.update(id, { progress: percent, 'status-message': `${task.action}: ${percent}%` })
        task.progressed?.(percent)
        later(id, stepMs, () => {
          reach(index + 1)
        })
      }
    }
    later(id, task.mode === 'pull' ? times.jobPullMs : times.jobQueueMs, () => {
      store.update(id, { state: 'RUNNING', started: new Date(wallNow()).toISOString(), ...stamp() })
      task.taken?.()
      later(id, stepMs, () => {
        reach(0)
      })
    })
    return job
  }
  const called = (
    right: Action['right'],
    state: string,
    message: string,
    privilegedOnly: boolean,
  ): Action => ({
    right,
    offered: (job, identity) => !FINAL.includes(job['state']) && (!privilegedOnly || identity.privileged),
    run(_call, { id }) {
      const task = underway.get(id)?.task
      end(id, state, message, state === 'FAILED' ? 1 : undefined)
      task?.failed(message)
      return { status: 200, body: store.get(id) }
    },
  })
  return {
    submit,
    failNext(message) {
      failures.push(message)
    },
    supersede(target) {
      for (const [id, { task }] of underway)
        if (task.target === target) end(id, 'CANCELED', 'Superseded', undefined)
    },
    collection: {
      name: 'job',
      acl: readableBy(USERS),
      edit(job, changes) {
        if (FINAL.includes(job['state']))
          throw new CimiFailure(409, 'edit is not allowed in final state', job.id)
        const { state: _state, progress: _progress, ...rest } = changes
        return rest
      },
      remove(_call, { id }) {
        store.remove(id)
        return undefined
      },
      removable: ({ state }) => FINAL.includes(state),
      actions: {
        cancel: called('manage', 'CANCELED', 'Job was canceled', false),
        timeout: called('edit', 'FAILED', 'Job timed out', true),
      },
    },
  }
}
