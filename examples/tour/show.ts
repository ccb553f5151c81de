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

export function line(text: string): void {
  console.log(`  ${text}`)
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
      if (quarter === shown) return
      shown = quarter
      line(`${title} ${String(Math.floor(percent)).padStart(3)}%  ${note}`)
    },
    end: (note) => {
      line(`${title} 100%  ${note}`)
    },
  }
}

/** Moves a bar with the events of an upload or a download. */
export function showTransfer<R>(title: string): (event: TransferEvent<R>) => void {
  const progress = bar(title)
  return (event) => {
    if (event.kind === 'hashing') progress.update(percentOf(event.bytes, event.totalBytes) / 4, 'hashing')
    if (event.kind === 'progress') {
      const done = percentOf(event.bytes, event.totalBytes)
      progress.update(done, `${mib(event.bytes)} of ${mib(event.totalBytes)}, ${mib(event.bytesPerSecond)}/s`)
    }
    if (event.kind === 'done') {
      const sent = event.bytes - event.reusedBytes
      progress.end(
        `${mib(event.bytes)}, of which ${mib(sent)} travelled, in ${String(Math.round(event.elapsedMs))} ms`,
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
