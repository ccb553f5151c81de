import type { Clock } from './service.js'

/** How the embedded cloud's time passes: `speed` times as fast as the wall, or only by `advance`. */
export type ClockOptions = { readonly speed?: number } | { readonly manual: true }

/** The embedded cloud's time as its owner sees it. */
export interface CloudClock extends Clock {
  /** Milliseconds of cloud time since the cloud was started. */
  now(): number
  /**
   * Moves the cloud's time on by `ms` and runs, before it returns, every task that falls due, in the order
   * of their times. Works on a running clock too: it jumps ahead.
   */
  advance(ms: number): void
  /** Stops the clock and forgets all tasks. */
  stop(): void
}

interface Task {
  readonly due: number
  readonly order: number
  run: (() => void) | undefined
}

const LONGEST_TIMER_MS = 2 ** 31 - 1

export function createClock(options: ClockOptions = {}): CloudClock {
  return 'manual' in options ? createManualClock() : createRunningClock(options.speed ?? 1)
}

function createManualClock(): CloudClock {
  const queue = createTaskQueue()
  let time = 0
  return {
    now: () => time,
    after: (ms, task) => queue.add(time + checkedDelay(ms), task),
    advance(ms) {
      const target = time + checkedDelay(ms)
      queue.runUntil(target, (due) => {
        time = Math.max(time, due)
      })
      time = target
    },
    stop: queue.clear,
  }
}

function createRunningClock(speed: number): CloudClock {
  if (!(speed > 0) || !Number.isFinite(speed)) throw new TypeError('clock.speed must be a positive number')
  const queue = createTaskQueue()
  const start = performance.now()
  let jumped = 0
  let stopped = false
  // While tasks run, time is that of the task: what a task schedules is counted from when it was due,
  // so a chain of steps takes as long as it says even when the machine is busy.
  let taskTime: number | undefined
  let timer: NodeJS.Timeout | undefined

  const now = (): number => taskTime ?? jumped + (performance.now() - start) * speed
  const run = (): void => {
    try {
      queue.runUntil(now(), (due) => {
        taskTime = due
      })
    } finally {
      taskTime = undefined
      arm()
    }
  }
  const arm = (): void => {
    clearTimeout(timer)
    const next = queue.nextDue()
    if (next === undefined || stopped || taskTime !== undefined) return
    timer = setTimeout(run, Math.min(Math.max(Math.ceil((next - now()) / speed), 0), LONGEST_TIMER_MS))
  }
  return {
    now,
    after(ms, task) {
      const first = queue.nextDue()
      const due = now() + checkedDelay(ms)
      const cancel = queue.add(due, task)
      if (first === undefined || due < first) arm()
      return cancel
    },
    advance(ms) {
      jumped += checkedDelay(ms)
      run()
    },
    stop() {
      stopped = true
      clearTimeout(timer)
      queue.clear()
    },
  }
}

function checkedDelay(ms: number): number {
  if (!(ms >= 0) || !Number.isFinite(ms))
    throw new TypeError('ms must be a number of milliseconds, 0 or more')
  return ms
}

interface TaskQueue {
  add(due: number, task: () => void): () => void
  nextDue(): number | undefined
  /** Runs all that is due until then, including what the tasks themselves add. */
  runUntil(time: number, beforeEach: (due: number) => void): void
  clear: () => void
}

/** A binary heap: ten thousand building servers have a hundred thousand tasks between them. */
function createTaskQueue(): TaskQueue {
  let heap: Task[] = []
  let added = 0

  const before = (left: Task, right: Task): boolean =>
    left.due < right.due || (left.due === right.due && left.order < right.order)

  const rise = (task: Task): void => {
    let at = heap.push(task) - 1
    while (at > 0) {
      const above = (at - 1) >> 1
      const parent = heap[above]
      if (parent === undefined || !before(task, parent)) break
      heap[at] = parent
      at = above
    }
    heap[at] = task
  }

  const takeFirst = (): Task | undefined => {
    const first = heap[0]
    const last = heap.pop()
    if (first === undefined || last === undefined || heap.length === 0) return first
    let at = 0
    for (;;) {
      const left = heap[2 * at + 1]
      if (left === undefined) break
      const right = heap[2 * at + 2]
      const goesRight = right !== undefined && before(right, left)
      const smaller = goesRight ? right : left
      if (!before(smaller, last)) break
      heap[at] = smaller
      at = 2 * at + (goesRight ? 2 : 1)
    }
    heap[at] = last
    return first
  }

  const dropCancelled = (): Task | undefined => {
    let first = heap[0]
    while (first !== undefined && first.run === undefined) {
      takeFirst()
      first = heap[0]
    }
    return first
  }

  return {
    add(due, run) {
      const task: Task = { due, order: added++, run }
      rise(task)
      return () => {
        task.run = undefined
      }
    },
    nextDue: () => dropCancelled()?.due,
    runUntil(time, beforeEach) {
      for (let task = dropCancelled(); task !== undefined && task.due <= time; task = dropCancelled()) {
        takeFirst()
        beforeEach(task.due)
        task.run?.()
      }
    },
    clear() {
      heap = []
    },
  }
}
