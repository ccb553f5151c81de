// One transfer in a fresh process: `client.ts <job as JSON>`; sends its report.
import { lastValueFrom, tap, type Observable } from 'rxjs'
import { createSynnefo } from 'skystream/synnefo'
import { createSwift } from 'skystream/swift'
import type { Job, Report } from './job.js'

/** As far as both kinds of events are alike. */
interface Event {
  readonly kind: string
  readonly bytes?: number
  readonly reusedBytes?: number
}

const { store, task, target, path, segmentSize } = JSON.parse(process.argv[2] ?? '') as Job

function events(): Observable<Event> {
  if (store.kind === 'pithos') {
    const { pithos } = createSynnefo(store)
    if (task === 'upload') return pithos.upload(path, target)
    if (task === 'download') return pithos.download(target, path)
    return task === 'uploadMany' ? pithos.uploadMany(path, target) : pithos.downloadMany(target, path)
  }
  const { storage } = createSwift(store)
  if (task === 'upload') return storage.upload(path, target, segmentSize === undefined ? {} : { segmentSize })
  if (task === 'download') return storage.download(target, path)
  return task === 'uploadMany' ? storage.uploadMany(path, target) : storage.downloadMany(target, path)
}

/** Everything that a client has before it moves the first byte. */
async function idle(): Promise<void> {
  if (store.kind !== 'pithos') return
  const { pithos } = createSynnefo(store)
  const container = target.slice(0, target.indexOf('/'))
  await Promise.all([1, 2, 3, 4].map(() => lastValueFrom(pithos.containers.get(container))))
  // No block is needed to have the threads running.
  const { createHasher } = await import('../../dist/streams/hasher.js')
  const hasher = createHasher()
  const piece = new Uint8Array(64 * 1024)
  await Promise.all(Array.from({ length: hasher.threads }, () => hasher.digest('sha256', piece)))
}

async function run(): Promise<Report> {
  const before = process.cpuUsage()
  const began = performance.now()
  let firstProgress = 0
  let last: Event | undefined
  if (task === 'idle') await idle()
  else {
    last = await lastValueFrom(
      events().pipe(
        tap(({ kind }) => {
          if (firstProgress === 0 && (kind === 'progress' || kind === 'hashing'))
            firstProgress = (performance.now() - began) / 1000
        }),
      ),
    )
  }
  const { user, system } = process.cpuUsage(before)
  return {
    seconds: (performance.now() - began) / 1000,
    cpu: (user + system) / 1e6,
    firstProgress,
    peakRss: process.resourceUsage().maxRSS * 1024,
    bytes: last?.bytes ?? 0,
    reusedBytes: last?.reusedBytes ?? 0,
  }
}

process.send?.(await run(), () => process.exit())
