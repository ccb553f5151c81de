import { concat, concatMap, defer, ignoreElements, mergeMap, of, range, tap, type Observable } from 'rxjs'
import { hashBlock, hashOfNothing } from '../../../../streams/hashing.js'
import { createBlockBuffers, type BlockBuffers } from '../../../../streams/block-buffers.js'
import { fetchBlock, lengthOf, type Content, type Download } from './job.js'

/**
 * Fills a sink that takes any part at any time: keeps what is there and right, fetches each block once however often it
 * occurs, and no block of zeros at all (pithos dossier 10).
 *
 * @param existing - bytes that are in the sink already
 * @param travelled - hashes of blocks that came over the wire in this transfer, also before the object was replaced
 */
export function fillAnywhere(
  job: Download,
  content: Content,
  existing: number,
  travelled: Set<string>,
): Observable<never> {
  const { sink, lanes } = job
  const { size, blockSize } = content
  const buffers = createBlockBuffers(Math.max(1, Math.min(size, blockSize)))
  const present = new Set<number>()
  const blocksThere = Math.ceil(Math.min(existing, size) / blockSize)

  return concat(
    defer(() => sink.resize(size)).pipe(ignoreElements()),
    findPresent(job, content, blocksThere, buffers, present),
    defer(() => {
      const zeros = hashOfNothing(content.blockHash)
      // Beyond what was there, everything is zero.
      content.hashes.forEach((hash, index) => {
        if (hash === zeros && index >= blocksThere) present.add(index)
      })
      acceptPresent(job, content, present, travelled)
      const groups = groupAbsent(content, present, zeros)
      return range(0, groups.length).pipe(
        mergeMap((turn) => {
          const group = groups[turn]
          if (group === undefined) return of()
          return buffers.borrow((buffer) => place(job, content, group, buffer, travelled))
        }, lanes),
        ignoreElements(),
      )
    }),
  )
}

/** Hashes what is in the sink already, and notes which blocks are right. */
function findPresent(
  { sink, report, hasher, lanes }: Download,
  content: Content,
  blocksThere: number,
  buffers: BlockBuffers,
  present: Set<number>,
): Observable<never> {
  const { size, blockSize, blockHash, hashes } = content
  const whole = Math.min(size, blocksThere * blockSize)
  let hashed = 0
  return range(0, blocksThere).pipe(
    mergeMap((index) => {
      const length = lengthOf(content, index)
      return buffers.borrow((buffer) =>
        defer(() => sink.read(index * blockSize, length, buffer)).pipe(
          concatMap((block) => hashBlock(hasher, blockHash, block)),
          tap((hash) => {
            if (hash === hashes[index]) present.add(index)
            hashed += length
            report.hashing(hashed, whole)
          }),
        ),
      )
    }, lanes),
    ignoreElements(),
  )
}

function acceptPresent(
  { report }: Download,
  content: Content,
  present: ReadonlySet<number>,
  travelled: ReadonlySet<string>,
): void {
  let bytes = 0
  let reusedBytes = 0
  for (const index of present) {
    const length = lengthOf(content, index)
    bytes += length
    if (!travelled.has(content.hashes[index] ?? '')) reusedBytes += length
  }
  report.accepted({ bytes, parts: present.size, reusedBytes, travelledBytes: 0 })
}

/** A block that is missing in one or more places. */
interface Group {
  readonly hash: string
  /** Only the first can be relied on to be as long as the block: no block but the last one is shorter. */
  readonly places: number[]
  /** Where its bytes are to be had from. */
  readonly from: 'server' | 'zeros' | { readonly place: number }
}

function groupAbsent(content: Content, present: ReadonlySet<number>, zeros: string): readonly Group[] {
  const donors = new Map<string, number>()
  for (const index of present) donors.set(content.hashes[index] ?? '', index)
  const groups = new Map<string, Group>()
  content.hashes.forEach((hash, index) => {
    if (present.has(index)) return
    const group = groups.get(hash)
    if (group !== undefined) {
      group.places.push(index)
      return
    }
    const donor = donors.get(hash)
    const from = hash === zeros ? 'zeros' : donor === undefined ? 'server' : { place: donor }
    groups.set(hash, { hash, places: [index], from })
  })
  return [...groups.values()]
}

/** Puts a block into all its places. */
function place(
  job: Download,
  content: Content,
  group: Group,
  buffer: Uint8Array,
  travelled: Set<string>,
): Observable<unknown> {
  const { sink, report } = job
  const { places, from, hash } = group
  const bytes = places.reduce((sum, index) => sum + lengthOf(content, index), 0)
  const travelledBytes = from === 'server' ? lengthOf(content, places[0] ?? 0) : 0
  const write = range(0, places.length).pipe(
    concatMap((turn) => {
      const index = places[turn] ?? 0
      return sink.write(index * content.blockSize, buffer.subarray(0, lengthOf(content, index)))
    }),
    ignoreElements(),
  )
  return concat(
    load(job, content, group, buffer),
    write,
    defer(() => {
      if (from === 'server') travelled.add(hash)
      report.accepted({ bytes, parts: places.length, reusedBytes: bytes - travelledBytes, travelledBytes })
      return of()
    }),
  )
}

/** Brings a block into the buffer. */
function load(
  job: Download,
  content: Content,
  { places, from }: Group,
  buffer: Uint8Array,
): Observable<unknown> {
  if (from === 'server') return fetchBlock(job, content, places[0] ?? 0, buffer)
  if (from === 'zeros') return of(buffer.fill(0))
  const { place: donor } = from
  const length = lengthOf(content, donor)
  return defer(() => job.sink.read(donor * content.blockSize, length, buffer)).pipe(
    tap((block) => {
      buffer.set(block)
      buffer.fill(0, block.length)
    }),
  )
}
