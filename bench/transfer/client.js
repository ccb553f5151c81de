// @ts-check
// One transfer in a fresh process: `client.js <job as JSON>`; sends its report. No TypeScript, so that nothing but the package is loaded.
import { concat, ignoreElements, lastValueFrom, map, tap } from 'rxjs'
import { createSwift } from 'skystream/swift'
import { createSynnefo } from 'skystream/synnefo'

/**
 * @import { Observable } from 'rxjs'
 * @import { Job, Report } from './job.js'
 * @typedef {{ readonly kind: string, readonly bytes?: number, readonly reusedBytes?: number }} Event
 */

const { store, task, target, path, segmentSize } = /** @type {Job} */ (JSON.parse(process.argv[2] ?? ''))
const container = target.split('/')[0] ?? ''

/** @returns {Observable<Event>} */
function events() {
  if (store.kind === 'pithos') {
    const { pithos } = createSynnefo(store)
    return task === 'upload' ? pithos.upload(path, target) : pithos.download(target, path)
  }
  const { storage } = createSwift(store)
  // The others create it, too.
  const prepared = storage.containers.create(container).pipe(ignoreElements())
  switch (task) {
    case 'upload':
      return concat(prepared, storage.upload(path, target, segmentSize === undefined ? {} : { segmentSize }))
    case 'uploadMany':
      return concat(prepared, storage.uploadMany(path, target)).pipe(map(asEvent))
    case 'downloadMany':
      return storage.downloadMany(target, path).pipe(map(asEvent))
    default:
      return storage.download(target, path)
  }
}

/**
 * @param {{ readonly kind: string }} event
 * @returns {Event}
 */
function asEvent({ kind }) {
  return { kind }
}

/** Everything that a client has before it moves the first byte. */
async function idle() {
  if (store.kind !== 'pithos') return
  const { pithos } = createSynnefo(store)
  await Promise.all([1, 2, 3, 4].map(() => lastValueFrom(pithos.containers.get(container))))
  // No block is needed to have the threads running.
  const { createHasher } = await import('../../dist/streams/hasher.js')
  const hasher = createHasher()
  const piece = new Uint8Array(64 * 1024)
  await Promise.all(Array.from({ length: hasher.threads }, () => hasher.digest('sha256', piece)))
}

/** @returns {Promise<Report>} */
async function run() {
  const before = process.cpuUsage()
  const began = performance.now()
  let firstProgress = 0
  /** @type {Event | undefined} */
  let last
  if (task === 'idle') await idle()
  else {
    const timed = tap((/** @type {Event} */ { kind }) => {
      if (firstProgress === 0 && (kind === 'progress' || kind === 'hashing'))
        firstProgress = (performance.now() - began) / 1000
    })
    last = await lastValueFrom(events().pipe(timed))
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

const report = await run()
if (process.send === undefined) process.exit()
process.send(report, () => process.exit())
