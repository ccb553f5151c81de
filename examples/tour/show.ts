// Progress for people: bars on a terminal, plain lines elsewhere.
import cliProgress from 'cli-progress'
import type { TransferEvent } from 'skystream'

export interface Bar {
  update(percent: number, note: string): void
  end(note: string): void
}

const bold = (text: string): string => (process.stdout.isTTY ? `\u001b[1m${text}\u001b[0m` : text)

export function heading(text: string): void {
  console.log(`\n${bold(text)}`)
}

/** A line of its own, also while a bar stands in the present one: the bar goes on below. */
export function line(text: string): void {
  const start = process.stdout.isTTY ? '\r\u001b[K' : ''
  process.stdout.write(`${start}  ${text}\n`)
}

export function bar(title: string): Bar {
  return process.stdout.isTTY ? terminalBar(title) : lineBar(title)
}

function terminalBar(title: string): Bar {
  const progress = new cliProgress.SingleBar(
    { format: `  ${title.padEnd(9)} {bar} {percentage}%  {note}`, hideCursor: true, clearOnComplete: false },
    cliProgress.Presets.rect,
  )
  progress.start(100, 0, { note: '' })
  return {
    update: (percent, note) => {
      progress.update(percent, { note })
    },
    end: (note) => {
      progress.update(100, { note })
      progress.stop()
    },
  }
}

/** A line for each quarter. */
function lineBar(title: string): Bar {
  let shown = -1
  return {
    update: (percent, note) => {
      const quarter = Math.floor(percent / 25)
      if (quarter === shown || quarter === 4) return
      shown = quarter
      line(`${title} ${String(Math.floor(percent)).padStart(3)}%  ${note}`)
    },
    end: (note) => {
      line(`${title} 100%  ${note}`)
    },
  }
}

/** Moves a bar with the events of an upload or a download. Hashing goes on beside it, and is shown only before anything is sent. */
export function showTransfer<R>(title: string): (event: TransferEvent<R>) => void {
  const progress = bar(title)
  let accepted = 0
  return (event) => {
    if (event.kind === 'hashing' && accepted === 0) progress.update(0, 'hashing')
    if (event.kind === 'progress') {
      const { bytes, totalBytes, bytesPerSecond } = event
      accepted = bytes
      const note = `${mib(bytes)} of ${mib(totalBytes)}, ${mib(bytesPerSecond)}/s`
      progress.update(percentOf(bytes, totalBytes), note)
    }
    if (event.kind === 'done') {
      const { bytes, reusedBytes, elapsedMs } = event
      progress.end(
        `${mib(bytes)}, ${mib(bytes - reusedBytes)} of them on the wire, in ${String(Math.round(elapsedMs))} ms`,
      )
    }
  }
}

function percentOf(bytes: number, total: number): number {
  return total === 0 ? 100 : (bytes / total) * 100
}

export function mib(bytes: number): string {
  return `${(bytes / 2 ** 20).toFixed(1)} MiB`
}
