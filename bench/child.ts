import { fork, type ChildProcess } from 'node:child_process'
import { readFileSync } from 'node:fs'

/** Starts a program in a process of its own. */
export function start(file: URL, args: readonly string[]): ChildProcess {
  const loader = file.pathname.endsWith('.ts') ? ['--import', import.meta.resolve('tsx')] : []
  return fork(file, args, { execArgv: [...loader, '--expose-gc'] })
}

export function firstMessage<T>(child: ChildProcess): Promise<T> {
  return new Promise((resolve, reject) => {
    child.once('message', (message) => {
      resolve(message as T)
    })
    child.once('error', reject)
    child.once('exit', (code) => {
      reject(
        new Error(
          `${child.spawnargs.slice(-2).join(' ')} ended with ${code ?? 'a signal'} before its report`,
        ),
      )
    })
  })
}

/** Seconds of processor time, user and system, that a process has used so far. Linux only. */
export function processorSeconds(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
  // Behind the name, which may hold anything; the clock ticks a hundred times a second on all Linux.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return (Number(fields[11]) + Number(fields[12])) / 100
}
