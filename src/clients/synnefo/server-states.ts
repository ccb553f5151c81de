import { isHttpError, type CloudError } from '../../errors.js'
import type { Verdict } from '../../streams/operation.js'
import type { Id, Server, ServerStatus } from './schemas.js'

// The state machine of a server (synnefo-compute dossier 6.5). `status` lags behind actions; `SNF:task_state` is
// what says that something is going on, and is empty when nothing is.

/** Looks at one poll after the other of the same server. */
export type ServerClassifier = () => (server: Server) => Verdict<Server>

const idle = (server: Server): boolean => (server['SNF:task_state'] ?? '') === ''

const pending = (server: Server, percent?: number): Verdict<Server> => ({
  kind: 'pending',
  state: server.status,
  percent,
})
const done = (server: Server, percent?: number): Verdict<Server> => ({
  kind: 'done',
  state: server.status,
  percent,
  result: server,
})
const failed = (server: Server, reason: string): Verdict<Server> => ({
  kind: 'failed',
  state: server.status,
  reason: `server ${String(server.id)} ${reason}`,
})

const broken = (server: Server): Verdict<Server> | undefined =>
  server.status === 'ERROR' || server.status === 'DELETED'
    ? failed(server, `is in state ${server.status}${explanation(server)}`)
    : undefined

function explanation({ diagnostics }: Server): string {
  const worst = diagnostics?.find(({ level }) => level === 'ERROR') ?? diagnostics?.[0]
  return worst === undefined ? '' : `: ${worst.message}`
}

/** ACTIVE; STOPPED and idle is a server that was built and shut down since. */
export const built: ServerClassifier = () => (server) =>
  broken(server) ??
  (server.status === 'ACTIVE' || (server.status === 'STOPPED' && idle(server))
    ? done(server, 100)
    : pending(server, server.progress ?? undefined))

/** Polls of the old state without a task, after which the task was too fast to be seen, or came to nothing. */
const PATIENCE = 5

/**
 * Waits for a state after an action. A job that fails only clears the task: the old state, idle again after a task was
 * seen, is a failure. The old state without a task ever seen may be the moment before the task shows, but not for ever.
 */
function changed(from: string, to: string, action: string): ServerClassifier {
  return () => {
    let working = false
    let polls = 0
    return (server) => {
      polls += 1
      if (!idle(server)) {
        working = true
        return broken(server) ?? pending(server)
      }
      if (server.status === to) return done(server)
      if ((working || polls >= PATIENCE) && server.status === from)
        return failed(server, `did not ${action} and is still ${from}`)
      return broken(server) ?? pending(server)
    }
  }
}
export const started = changed('STOPPED', 'ACTIVE', 'start')
export const stopped = changed('ACTIVE', 'STOPPED', 'shut down')

/** ACTIVE and idle, once the reboot was seen or could have passed between two polls. */
export const rebooted: ServerClassifier = () => {
  let working = false
  let polls = 0
  return (server) => {
    polls += 1
    if (!idle(server) || server.status === 'REBOOT') {
      working = true
      return broken(server) ?? pending(server)
    }
    if (server.status === 'ACTIVE' && (working || polls > 2)) return done(server)
    if (server.status === 'STOPPED' && (working || polls >= PATIENCE))
      return failed(server, 'did not come up again and is STOPPED')
    return broken(server) ?? pending(server)
  }
}

/** DELETED, or gone. A failed removal only clears the task. */
export const removed: ServerClassifier = () => {
  let working = false
  return (server) => {
    if (server.status === 'DELETED') return done(server, 100)
    if (server['SNF:task_state'] === 'DESTROYING') working = true
    else if (working && idle(server) && server.status !== 'BUILD') {
      return failed(server, `was not removed and is still ${server.status}`)
    }
    return pending(server)
  }
}

/** Nothing is going on any more, whatever the outcome but ERROR. */
export const settled: ServerClassifier = () => (server) => {
  if (server.status === 'DELETED') return done(server, 100)
  if (!idle(server) || transitional.has(server.status)) {
    return pending(server, server.status === 'BUILD' ? (server.progress ?? undefined) : undefined)
  }
  return broken(server) ?? done(server)
}
const transitional = new Set(['BUILD', 'REBOOT', 'RESIZE', 'UNKNOWN'])

/** The given state, idle. Another final state is a failure only where the wanted one can no longer come. */
export function reached(status: ServerStatus): ServerClassifier {
  if (status === 'DELETED') return removed
  return () => (server) => {
    if (server.status === status && (idle(server) || transitional.has(status))) return done(server)
    if (server.status === 'DELETED') return failed(server, 'was deleted')
    return status === 'ERROR' ? pending(server) : (broken(server) ?? pending(server))
  }
}

/** Whether an error of a poll means that the server was removed. */
export type ServerGone = (
  error: CloudError,
  last: Server | undefined,
) => { readonly result: Server } | undefined

/** Who waits for a removal finds that there is no such server (6.5: DELETED, or 404). */
export function gone(id: Id): ServerGone {
  return (error, last) =>
    isHttpError(error, 404) ? { result: { id, name: '', ...last, status: 'DELETED' } } : undefined
}

/** The same for who does not wait for a removal: a server that was never seen is a wrong id rather than one that was removed. */
export function vanished(id: Id): ServerGone {
  const wasRemoved = gone(id)
  return (error, last) => (last === undefined ? undefined : wasRemoved(error, last))
}
