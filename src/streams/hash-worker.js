// @ts-check
import { createHash } from 'node:crypto'
import { parentPort } from 'node:worker_threads'

/** @import { HashJob } from './hasher.js' */

/**
 * Hashes that go on over several jobs.
 * @type {Map<number, import('node:crypto').Hash>}
 */
const running = new Map()

/** @param {HashJob} job */
function perform({ algorithm, bytes, running: number, last }) {
  const hash = running.get(number) ?? createHash(algorithm)
  hash.update(bytes)
  if (last) {
    running.delete(number)
    return hash.digest('hex')
  }
  running.set(number, hash)
  return ''
}

parentPort?.on('message', (/** @type {HashJob} */ job) => {
  parentPort?.postMessage(perform(job))
})
