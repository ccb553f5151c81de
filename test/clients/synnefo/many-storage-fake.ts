import { readFileSync, writeFileSync } from 'node:fs'
import {
  concat,
  defer,
  finalize,
  ignoreElements,
  of,
  range,
  map,
  throwError,
  timer,
  type Observable,
} from 'rxjs'
import type { ManyStorage } from '../../../src/clients/synnefo/storage/many-storage.js'
import type { ObjectName } from '../../../src/clients/synnefo/storage/names.js'
import type { ObjectInfo, ObjectItem } from '../../../src/clients/synnefo/storage/schemas.js'
import { httpError } from '../../../src/errors.js'
import { defaultRuntime, type Runtime } from '../../../src/runtime.js'
import type { TransferEvent } from '../../../src/streams/events.js'

export interface FakeObject {
  content: string
  type?: string
}

/** A store in memory, and what was asked of it. */
export interface FakeStorage extends ManyStorage {
  readonly objects: Map<string, FakeObject>
  /** `verb name`, in order. */
  readonly calls: string[]
  readonly options: object[]
  /** Transfers under way, and the most there were. */
  readonly active: { now: number; most: number }
  /** Set to make a call of a name fail. */
  fail: (call: string) => unknown
}

export interface FakeOptions {
  readonly objects?: Readonly<Record<string, string | FakeObject>>
  readonly runtime?: Runtime
  /** Milliseconds that each call takes. */
  readonly delay?: number
  /** Another order of the listing. */
  readonly order?: (names: string[]) => string[]
}

/** In the order of their bytes; nothing beyond U+D7FF is in these names. */
const byBytes = (names: string[]): string[] => names.toSorted()

export function createFakeStorage({
  objects: given = {},
  runtime = defaultRuntime,
  delay = 0,
  order = byBytes,
}: FakeOptions = {}): FakeStorage {
  const objects = new Map<string, FakeObject>()
  for (const [name, content] of Object.entries(given)) {
    objects.set(name, typeof content === 'string' ? { content } : content)
  }
  const calls: string[] = []
  const options: object[] = []
  const active = { now: 0, most: 0 }

  /** Takes its time, and is counted. */
  function answer<T>(call: string, work: () => Observable<T>): Observable<T> {
    return defer(() => {
      calls.push(call)
      active.now += 1
      active.most = Math.max(active.most, active.now)
      const waited = delay === 0 ? of() : timer(delay, runtime.scheduler).pipe(ignoreElements())
      const done = defer(() => {
        const error = storage.fail(call)
        return error === undefined ? work() : throwError(() => error)
      })
      return concat(waited, done).pipe(
        finalize(() => {
          active.now -= 1
        }),
      )
    })
  }
  const infoOf = ({ container, object }: ObjectName, bytes: number): ObjectInfo =>
    ({ container, name: object, bytes }) as ObjectInfo
  function transferOf(name: ObjectName, bytes: number): Observable<TransferEvent<ObjectInfo>> {
    return of<TransferEvent<ObjectInfo>[]>(
      { kind: 'planned', totalBytes: bytes, totalParts: 1 },
      {
        kind: 'progress',
        bytes,
        totalBytes: bytes,
        parts: 1,
        totalParts: 1,
        reusedBytes: 0,
        bytesPerSecond: 0,
      },
      { kind: 'done', result: infoOf(name, bytes), bytes, reusedBytes: 0, unverifiedBytes: 0, elapsedMs: 0 },
    )
  }
  const itemOf = (name: string): ObjectItem => {
    const { content = '', type } = objects.get(name) ?? {}
    return {
      name,
      bytes: Buffer.byteLength(content),
      content_type: type ?? 'application/octet-stream',
      x_object_hash: content,
    }
  }

  const storage: FakeStorage = {
    cloud: 'synnefo',
    id: 'synnefo.fake',
    runtime,
    objects,
    calls,
    options,
    active,
    fail: () => undefined,
    list: ({ container }, { prefix = '', marker, limit = 10_000 }, callOptions) => {
      options.push(callOptions)
      return answer(`list ${container} ${prefix}`, () => {
        const names = order([...objects.keys()].filter((name) => name.startsWith(prefix)))
        const start = marker === undefined ? 0 : names.indexOf(marker) + 1
        const page = names.slice(start, start + limit)
        return range(0, page.length).pipe(map((index) => itemOf(page[index] ?? '')))
      })
    },
    upload: (path, target, uploadOptions) => {
      options.push(uploadOptions)
      return answer(`upload ${target.object}`, () => {
        const content = readFileSync(path, 'utf8')
        const { contentType } = uploadOptions
        objects.set(target.object, { content, ...(contentType === undefined ? {} : { type: contentType }) })
        return transferOf(target, Buffer.byteLength(content))
      })
    },
    download: (target, path, downloadOptions, known) => {
      options.push(downloadOptions)
      return answer(`download ${target.object}`, () => {
        const object = objects.get(target.object)
        if (object === undefined)
          throw httpError({ status: 404, method: 'GET', url: `https://x/${target.object}` })
        writeFileSync(path, object.content)
        return transferOf(target, known.bytes)
      })
    },
    removeAll: (_container, names, callOptions) => {
      options.push(callOptions)
      return answer(`remove ${names.join(' ')}`, () => {
        for (const name of names) objects.delete(name)
        return of(undefined)
      })
    },
    isSame: (path, _target, item, callOptions) => {
      options.push(callOptions)
      return answer(`compare ${item.name}`, () => of(readFileSync(path, 'utf8') === item.x_object_hash))
    },
  }
  return storage
}
