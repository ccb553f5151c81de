import {
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { dirname } from 'node:path'
import { pathToFileURL } from 'node:url'
import { lastValueFrom, type Observable } from 'rxjs'
import { describe, expect, it } from 'vitest'
import { downloadMany } from '../../../src/clients/synnefo/storage/download-many.js'
import { folderPlace, listFolder } from '../../../src/clients/synnefo/storage/many-storage.js'
import type { ObjectInfo } from '../../../src/clients/synnefo/storage/schemas.js'
import { syncDown, syncUp } from '../../../src/clients/synnefo/storage/sync.js'
import { uploadMany } from '../../../src/clients/synnefo/storage/upload-many.js'
import { httpError, TransferError } from '../../../src/errors.js'
import { result } from '../../../src/operators/result.js'
import type { TransferManyEvent } from '../../../src/streams/many-events.js'
import { useFolder } from '../../streams/folder.js'
import { createFakeStorage } from './many-storage-fake.js'

const at = useFolder()

function write(files: Readonly<Record<string, string>>, folder = ''): void {
  for (const [path, content] of Object.entries(files)) {
    const place = at(`${folder}${path}`)
    mkdirSync(dirname(place), { recursive: true })
    writeFileSync(place, content)
  }
}
/** All files below a folder, with their content. Links are not followed, which Node 22 does by itself. */
function read(folder: string): Record<string, string> {
  const filesIn = (path: string): string[] =>
    readdirSync(at(path), { withFileTypes: true }).flatMap((entry) => {
      const below = `${path}/${entry.name}`
      if (entry.isDirectory()) return filesIn(below)
      return entry.isFile() ? [below] : []
    })
  return Object.fromEntries(
    filesIn(folder)
      .toSorted()
      .map((path) => [path.slice(folder.length + 1), readFileSync(at(path), 'utf8')]),
  )
}
type Events = Observable<TransferManyEvent<ObjectInfo>>
interface Outcome {
  /** `action path` and `failed path: message`, in order of the paths. */
  readonly files: string[]
  readonly error: unknown
  readonly summary: unknown
}
function runAll(events: Events): Promise<Outcome> {
  return new Promise((resolve) => {
    const files: string[] = []
    let summary: unknown
    const end = (error?: unknown): void => {
      resolve({ files: files.toSorted(), error, summary })
    }
    events.subscribe({
      next: (event) => {
        if (event.kind === 'file') files.push(`${event.action} ${event.path}`)
        if (event.kind === 'failed')
          files.push(`failed ${event.path}: ${event.error.message.replace(/^.*: /, '')}`)
        if (event.kind === 'done') summary = event.result
      },
      error: end,
      complete: end,
    })
  })
}
async function filesOf(events: Events): Promise<string[]> {
  const { files, error } = await runAll(events)
  expect(error).toBeUndefined()
  return files
}
const namesIn = ({ objects }: ReturnType<typeof createFakeStorage>): string[] =>
  [...objects.keys()].toSorted()
const marker = { content: '', type: 'application/directory' }

describe('targets of many', () => {
  it.each([
    ['c', 'c', '', ''],
    ['c/', 'c', '', ''],
    ['c/a/b', 'c', 'a/b/', 'a/b/'],
    ['c/a/b/', 'c', 'a/b/', 'a/b/'],
    ['c//', 'c', '/', '/'],
    [{ container: 'c', prefix: 'a' }, 'c', 'a/', 'a/'],
  ])('reads %j', (target, container, prefix, base) => {
    expect(folderPlace(target, 'target')).toMatchObject({ container: { container }, prefix, base })
  })

  it('reads a prefix as a text where asked to', () => {
    expect(folderPlace('c/a/b', 'target', 'text')).toMatchObject({ prefix: 'a/b', base: 'a/' })
    expect(folderPlace('c/ab', 'target', 'text')).toMatchObject({ prefix: 'ab', base: '' })
    expect(folderPlace('c', 'target', 'text')).toMatchObject({ prefix: '', base: '' })
  })

  it('refuses what is wrong before anything is subscribed to', () => {
    const storage = createFakeStorage()
    expect(() => uploadMany(storage, '', 'c')).toThrow(/^folder/)
    expect(() => uploadMany(storage, new URL('http://x/'), 'c')).toThrow(/^folder/)
    expect(() => uploadMany(storage, 'f', '')).toThrow(/^target/)
    expect(() => uploadMany(storage, 'f', '../x')).toThrow(/^target/)
    expect(() => uploadMany(storage, 'f', 'c/\ud800')).toThrow(/^target/)
    expect(() => uploadMany(storage, 'f', 'c', { symlinks: 'x' as 'skip' })).toThrow(/^options\.symlinks/)
    expect(() => uploadMany(storage, 'f', 'c', { ignore: 'x' as unknown as string[] })).toThrow(
      /^options\.ignore/,
    )
    expect(() => uploadMany(storage, 'f', 'c', { concurrency: 0 })).toThrow(/^options\.concurrency/)
    expect(() => downloadMany(storage, '', 'f')).toThrow(/^target/)
    expect(() => downloadMany(storage, 'c', '')).toThrow(/^folder/)
    expect(() => downloadMany(storage, 'c', 'f', { match: 'x' as 'text' })).toThrow(/^options\.match/)
    expect(() => syncUp(storage, '', 'c')).toThrow(/^folder/)
    expect(() => syncDown(storage, '', 'f')).toThrow(/^target/)
    expect(storage.calls).toEqual([])
  })
})

describe('listFolder', () => {
  const many = Object.fromEntries(Array.from({ length: 25_000 }, (_, index) => [`f${String(index)}`, 'x']))

  it('holds a page at a time, and asks for the next one only then', async () => {
    const storage = createFakeStorage({ objects: many })
    const feed = listFolder(storage, folderPlace('c', 'target'), {})
    const sizes: number[] = []
    for (let page = 0; page < 4; page += 1) {
      expect(storage.calls).toHaveLength(page)
      const batch = await lastValueFrom(feed(), { defaultValue: [] })
      sizes.push(batch.length)
    }
    expect(sizes).toEqual([10_000, 10_000, 5_000, 0])
    expect(storage.calls).toHaveLength(3)
  })

  it('fails a listing that is not in the order of bytes: to compare by it would be wrong', async () => {
    const storage = createFakeStorage({ objects: { a: '', B: '', c: '' }, order: () => ['a', 'B', 'c'] })
    const feed = listFolder(storage, folderPlace('c/', 'target'), {})
    await expect(lastValueFrom(feed())).rejects.toThrow(/not listed in the order of their bytes: B$/)
  })
})

describe('uploadMany', () => {
  it('makes an object of each file', async () => {
    write({ 'a.txt': '1', 'd/b': '22', 'd/e/ü': '333', empty: '' })
    const storage = createFakeStorage()
    expect(await filesOf(uploadMany(storage, at(), 'c/backup'))).toEqual([
      'uploaded a.txt',
      'uploaded d/b',
      'uploaded d/e/ü',
      'uploaded empty',
    ])
    expect(Object.fromEntries(storage.objects)).toEqual({
      'backup/a.txt': { content: '1' },
      'backup/d/b': { content: '22' },
      'backup/d/e/ü': { content: '333' },
      'backup/empty': { content: '' },
    })
  })

  it('ends with a summary', async () => {
    write({ a: '1', b: '22' })
    const summary = await lastValueFrom(uploadMany(createFakeStorage(), at(), 'c').pipe(result()))
    expect(summary).toMatchObject({ uploaded: 2, bytes: 3, skipped: 0, removed: 0 })
  })

  it('takes a file: URL, and a prefix that ends in a slash as it is', async () => {
    write({ a: '1' })
    const storage = createFakeStorage()
    await filesOf(uploadMany(storage, pathToFileURL(at()), 'c/backup/'))
    await filesOf(uploadMany(storage, pathToFileURL(at()), { account: 'x', container: 'c' }))
    expect(namesIn(storage)).toEqual(['a', 'backup/a'])
  })

  it('leaves out what is ignored, tells what is skipped, and gives each file its type', async () => {
    write({ a: '1', 'x.log': '2', 'node_modules/m/index.js': '3' })
    symlinkSync('a', at('link'))
    const storage = createFakeStorage()
    const options = {
      ignore: ['*.log', 'node_modules/'],
      contentType: (path: string) => (path === 'a' ? 'text/plain' : undefined),
    }
    expect(await filesOf(uploadMany(storage, at(), 'c', options))).toEqual(['skipped link', 'uploaded a'])
    expect(Object.fromEntries(storage.objects)).toEqual({ a: { content: '1', type: 'text/plain' } })
  })

  it('follows links, or fails them, where asked to', async () => {
    write({ 'd/a': '1' })
    symlinkSync('d', at('link'))
    const storage = createFakeStorage()
    expect(await filesOf(uploadMany(storage, at(), 'c', { symlinks: 'follow' }))).toEqual([
      'uploaded d/a',
      'uploaded link/a',
    ])
    const { files, error } = await runAll(uploadMany(storage, at(), 'c', { symlinks: 'error' }))
    expect(files).toEqual(['failed link: it is a symbolic link', 'uploaded d/a'])
    expect(error).toBeInstanceOf(TransferError)
  })

  it('gives each upload the options of the requests, one part if it is small, and not the signal', async () => {
    write({ a: '1' })
    const storage = createFakeStorage()
    const { signal } = new AbortController()
    const headers = { 'x-a': 'b' }
    await filesOf(
      uploadMany(storage, at(), 'c', { signal, headers, retry: 2, timeout: 5_000, concurrency: 3 }),
    )
    expect(storage.options).toEqual([{ headers, retry: 2, timeout: 5_000, concurrency: 1 }])
  })

  it('stops when there is no container, rather than failing each file', async () => {
    write(Object.fromEntries(Array.from({ length: 100 }, (_, index) => [`f${String(index)}`, 'x'])))
    const storage = createFakeStorage({ delay: 1 })
    const missing = httpError({ status: 404, method: 'PUT', url: 'https://x/c' })
    storage.fail = () => missing
    const { error } = await runAll(uploadMany(storage, at(), 'c'))
    expect(error).toBe(missing)
    expect(storage.calls).toHaveLength(8)
  })

  it('fails a folder that is not there', async () => {
    const { error } = await runAll(uploadMany(createFakeStorage(), at('none'), 'c'))
    expect(error).toBeInstanceOf(TransferError)
    expect(String(error)).toMatch(
      /upload of .*none to c\/ stopped: cannot read the folder .*there is no such file/,
    )
    expect(error).toMatchObject({ operation: 'synnefo.fake.uploadMany', cloud: 'synnefo' })
  })

  it('goes on when a file is gone when its turn comes', async () => {
    write({ a: '1', b: '2' })
    const storage = createFakeStorage({ delay: 1 })
    storage.fail = (call) => {
      if (call === 'upload a') rmSync(at('a'))
      return undefined
    }
    const { files, error } = await runAll(uploadMany(storage, at(), 'c'))
    expect(files).toEqual([expect.stringMatching(/^failed a: no such file/), 'uploaded b'])
    expect(error).toMatchObject({ code: 'SKY_TRANSFER' })
  })

  it('leaves what is under way when it is unsubscribed from', () => {
    write({ a: '1' })
    const storage = createFakeStorage({ delay: 1_000_000 })
    return new Promise<void>((resolve) => {
      const events = uploadMany(storage, at(), 'c').subscribe((event) => {
        if (event.kind !== 'progress') return
        // The first progress comes with the plan, before anything has begun.
        queueMicrotask(() => {
          expect(storage.active.now).toBe(1)
          events.unsubscribe()
          expect(storage.active.now).toBe(0)
          resolve()
        })
      })
    })
  })
})

describe('downloadMany', () => {
  it('makes a file of each object below the prefix, in a folder that it makes', async () => {
    const storage = createFakeStorage({
      objects: { 'a/b/c': '1', 'a/b/d/e': '22', 'a/bc': 'no', 'a/b': 'no', 'a/b.txt': 'no', z: 'no' },
    })
    expect(await filesOf(downloadMany(storage, 'c/a/b', at('x/y')))).toEqual([
      'downloaded c',
      'downloaded d/e',
    ])
    expect(read('x/y')).toEqual({ c: '1', 'd/e': '22' })
  })

  it('takes a whole container, and the beginning of names', async () => {
    const objects = { 'a/b': '1', 'a/bc': '2', 'a/bd/e': '3', z: '4' }
    await filesOf(downloadMany(createFakeStorage({ objects }), 'c', at('all')))
    expect(read('all')).toEqual(objects)
    await filesOf(downloadMany(createFakeStorage({ objects }), 'c/a/b', at('some'), { match: 'text' }))
    expect(read('some')).toEqual({ b: '1', bc: '2', 'bd/e': '3' })
  })

  it('makes directories of what stands for them', async () => {
    const storage = createFakeStorage({
      objects: {
        'p/': marker,
        'p/a': marker,
        'p/a/b': '1',
        'p/c/': marker,
        'p/d': { content: '', type: 'x/y' },
      },
    })
    mkdirSync(at('a'))
    expect(await filesOf(downloadMany(storage, 'c/p', at()))).toEqual([
      'downloaded a/b',
      'downloaded c/',
      'downloaded d',
      'unchanged a',
    ])
    expect(lstatSync(at('c')).isDirectory()).toBe(true)
  })

  it('lets no name out of the folder, and loses no other', async () => {
    write({}, 'root/')
    mkdirSync(at('root'))
    mkdirSync(at('elsewhere'))
    symlinkSync('../elsewhere', at('root/link'))
    symlinkSync('/etc', at('root/abs'))
    const objects = {
      '../escaped': '1',
      '/etc/escaped': '1',
      'a//b': '1',
      'a/../../escaped': '1',
      'abs/escaped': '1',
      'dir/': '1',
      file: '1',
      'file.txt': '1',
      'file/below': '1',
      good: '1',
      'good.part': '1',
      'link/escaped': '1',
      'nul\0': '1',
    }
    const { files, error } = await runAll(downloadMany(createFakeStorage({ objects }), 'c', at('root')))
    expect(files).toEqual([
      'downloaded file',
      'downloaded file.txt',
      'downloaded good',
      "failed ../escaped: '..'",
      'failed /etc/escaped: a part of its name is empty',
      "failed a/../../escaped: '..'",
      'failed a//b: a part of its name is empty',
      'failed abs/escaped: abs is a symbolic link, which is not followed',
      'failed dir/: a part of its name is empty',
      'failed file/below: it is below what is a file',
      'failed good.part: another file has this name while it is downloaded',
      'failed link/escaped: link is a symbolic link, which is not followed',
      'failed nul\0: its name has a NUL',
    ])
    expect(String(error)).toMatch(/: 10 failed: /)
    expect(read('root')).toEqual({ file: '1', 'file.txt': '1', good: '1' })
    expect(read('elsewhere')).toEqual({})
    expect(existsSync(at('escaped'))).toBe(false)
  })

  it('fails what is gone when its turn comes, and refuses a container that is not there', async () => {
    const storage = createFakeStorage({ objects: { a: '1', b: '2' } })
    storage.fail = (call) => {
      if (call === 'download a') storage.objects.delete('a')
      return undefined
    }
    const { files } = await runAll(downloadMany(storage, 'c', at()))
    expect(files).toEqual(['downloaded b', 'failed a: GET https://x/a answered 404'])
    const refusal = httpError({ status: 404, method: 'GET', url: 'https://x/c' })
    storage.fail = () => refusal
    expect((await runAll(downloadMany(storage, 'c', at()))).error).toBe(refusal)
  })

  it('leaves out what is ignored', async () => {
    const objects = { 'a.log': '1', b: '2', 'd/e/f': '3', '../x.log': '4', e: marker, f: '5' }
    const { files } = await runAll(
      downloadMany(createFakeStorage({ objects }), 'c', at(), { ignore: ['*.log', '/d', 'e/', 'f/'] }),
    )
    expect(files).toEqual(['downloaded b', 'downloaded f', "failed ../x.log: '..'"])
  })
})

describe('syncUp', () => {
  const local = { same: '1', changed: 'new', longer: '12', fresh: '1', 'd/same': '2', empty: '' }
  const remote = {
    same: '1',
    changed: 'old',
    longer: '1',
    'd/same': '2',
    'd/extra': '3',
    extra: '4',
    empty: '',
  }
  const prefixed = Object.fromEntries(Object.entries(remote).map(([name, content]) => [`p/${name}`, content]))

  it('uploads only what differs: by size, then by content', async () => {
    write(local)
    const storage = createFakeStorage({ objects: prefixed })
    expect(await filesOf(syncUp(storage, at(), 'c/p'))).toEqual([
      'unchanged d/same',
      'unchanged empty',
      'unchanged same',
      'uploaded changed',
      'uploaded fresh',
      'uploaded longer',
    ])
    expect(storage.calls.filter((call) => call.startsWith('compare')).toSorted()).toEqual([
      'compare p/changed',
      'compare p/d/same',
      'compare p/empty',
      'compare p/same',
    ])
    expect(namesIn(storage)).toEqual([...Object.keys(prefixed), 'p/fresh'].toSorted())
    const again = await runAll(syncUp(storage, at(), 'c/p'))
    expect(again.summary).toMatchObject({ uploaded: 0, unchanged: 6, bytes: 8, reusedBytes: 8 })
  })

  it('removes what is more on the other side, after all else and only below the prefix', async () => {
    write(local)
    const storage = createFakeStorage({ objects: { ...prefixed, q: '1', 'p.x': '1' } })
    const files = await filesOf(syncUp(storage, at(), 'c/p', { remove: true }))
    expect(files.filter((file) => file.startsWith('removed'))).toEqual(['removed d/extra', 'removed extra'])
    expect(storage.calls.at(-1)).toBe('remove p/d/extra p/extra')
    expect(namesIn(storage)).toEqual(
      [...Object.keys(local).map((name) => `p/${name}`), 'p.x', 'q'].toSorted(),
    )
  })

  it('tells what it would do, and does nothing', async () => {
    write(local)
    const storage = createFakeStorage({ objects: prefixed })
    const planned = await filesOf(syncUp(storage, at(), 'c/p', { remove: true, dryRun: true }))
    expect(namesIn(storage)).toEqual(Object.keys(prefixed).toSorted())
    expect(await filesOf(syncUp(storage, at(), 'c/p', { remove: true }))).toEqual(planned)
  })

  it('removes nothing if anything has failed', async () => {
    write(local)
    const storage = createFakeStorage({ objects: prefixed })
    storage.fail = (call) => (call === 'upload p/fresh' ? new TransferError('no') : undefined)
    const { files, error } = await runAll(syncUp(storage, at(), 'c/p', { remove: true }))
    expect(files).toContain('failed fresh: no')
    expect(error).toBeInstanceOf(TransferError)
    expect(namesIn(storage)).toEqual(Object.keys(prefixed).toSorted())
  })

  it('removes nothing if a folder, or the listing, cannot be read wholly', async () => {
    write({ a: '1', 'b/c': '1' })
    writeFileSync(Buffer.concat([Buffer.from(at('b/')), Buffer.from([0xff])]), '')
    const storage = createFakeStorage({ objects: { a: '1', 'b/c': '1', x: '1', z: '1' } })
    const walk = await runAll(syncUp(storage, at(), 'c', { remove: true }))
    expect(walk.files).toContain('failed b/\ufffd: its name is not valid UTF-8')
    const disordered = createFakeStorage({
      objects: { a: '1', z: '1', x: '1' },
      order: () => ['a', 'z', 'x'],
    })
    const listing = await runAll(syncUp(disordered, at('b'), 'c', { remove: true }))
    expect(String(listing.error)).toMatch(/not listed in the order/)
    const gone = await runAll(syncUp(storage, at('none'), 'c', { remove: true }))
    expect(String(gone.error)).toMatch(/cannot read the folder/)
    expect([...storage.calls, ...disordered.calls].filter((call) => call.startsWith('remove'))).toEqual([])
  })

  it('leaves what is ignored, or skipped, on both sides', async () => {
    write({ a: '1', 'x.log': '1' })
    symlinkSync('/etc', at('link'))
    const objects = { a: '1', 'y.log': '1', link: '1', 'link.txt': '1', 'link/hosts': '1', 'build/x': '1' }
    const storage = createFakeStorage({ objects })
    const ignore = ['*.log', 'build/']
    expect(await filesOf(syncUp(storage, at(), 'c', { remove: true, ignore }))).toEqual([
      'removed link.txt',
      'skipped link',
      'unchanged a',
    ])
    expect(namesIn(storage)).toEqual(['a', 'build/x', 'link', 'link/hosts', 'y.log'])
  })

  it('keeps what stands for a directory that is there', async () => {
    write({ 'd/a': '1', file: '' })
    const objects = { d: marker, 'd/a': '1', gone: marker, file: marker }
    const storage = createFakeStorage({ objects })
    expect(await filesOf(syncUp(storage, at(), 'c', { remove: true }))).toEqual([
      'removed gone',
      'unchanged d/a',
      'uploaded file',
    ])
    expect(namesIn(storage)).toEqual(['d', 'd/a', 'file'])
  })

  it('uploads what is gone when it is compared', async () => {
    write({ a: '1' })
    const storage = createFakeStorage({ objects: { a: '1' } })
    const missing = httpError({ status: 404, method: 'GET', url: 'https://x/c/a' })
    storage.fail = (call) => (call === 'compare a' ? missing : undefined)
    expect(await filesOf(syncUp(storage, at(), 'c'))).toEqual(['uploaded a'])
  })

  it('removes very many, a thousand at a time', async () => {
    mkdirSync(at('empty'))
    const objects = Object.fromEntries(
      Array.from({ length: 2_500 }, (_, index) => [`f${String(index)}`, 'x']),
    )
    const storage = createFakeStorage({ objects })
    const files = await filesOf(syncUp(storage, at('empty'), 'c', { remove: true }))
    expect(files).toHaveLength(2_500)
    const sizes = storage.calls
      .filter((call) => call.startsWith('remove'))
      .map((call) => call.split(' ').length - 1)
    expect(sizes).toEqual([1_000, 1_000, 500])
    expect(storage.objects.size).toBe(0)
  })

  it('has a failed removal as its error', async () => {
    mkdirSync(at('empty'))
    const storage = createFakeStorage({ objects: { a: '1' } })
    storage.fail = (call) => (call === 'remove a' ? new TransferError('no') : undefined)
    const { error, files } = await runAll(syncUp(storage, at('empty'), 'c', { remove: true }))
    expect(String(error)).toMatch(/sync of .* to c\/ stopped: no$/)
    expect(files).toEqual([])
  })
})

describe('syncDown', () => {
  const remote = { same: '1', changed: 'new', longer: '12', fresh: '1', 'd/same': '2', 'n/e/w': '3' }
  const local = {
    same: '1',
    changed: 'old',
    longer: '1',
    'd/same': '2',
    'd/extra': '3',
    extra: '4',
    'o/l/d': '5',
  }

  it('downloads only what differs', async () => {
    write(local)
    const storage = createFakeStorage({ objects: remote })
    expect(await filesOf(syncDown(storage, 'c', at()))).toEqual([
      'downloaded changed',
      'downloaded fresh',
      'downloaded longer',
      'downloaded n/e/w',
      'unchanged d/same',
      'unchanged same',
    ])
    expect(read('')).toEqual({ ...local, ...remote })
    const again = await runAll(syncDown(storage, 'c', at()))
    expect(again.summary).toMatchObject({ downloaded: 0, unchanged: 6, removed: 0 })
  })

  it('removes what is more in the folder, and directories that are empty then', async () => {
    write(local)
    mkdirSync(at('kept'))
    const storage = createFakeStorage({ objects: { ...remote, 'o/l': marker } })
    const files = await filesOf(syncDown(storage, 'c', at(), { remove: true }))
    expect(files.filter((file) => file.startsWith('removed'))).toEqual([
      'removed d/extra',
      'removed extra',
      'removed o/l/d',
    ])
    expect(read('')).toEqual(remote)
    expect(existsSync(at('o/l'))).toBe(true)
    await filesOf(syncDown(createFakeStorage({ objects: { a: '1' } }), 'c', at(), { remove: true }))
    expect(readdirSync(at()).toSorted()).toEqual(['a', 'kept', 'o'])
  })

  it('tells what it would do, and does nothing', async () => {
    write(local)
    const storage = createFakeStorage({ objects: remote })
    const options = { remove: true, dryRun: true }
    const planned = await filesOf(syncDown(storage, 'c', at(), options))
    expect(read('')).toEqual(local)
    expect(await filesOf(syncDown(storage, 'c', at(), { remove: true }))).toEqual(planned)
    expect(await filesOf(syncDown(storage, 'c', at('none'), options))).toHaveLength(6)
    expect(existsSync(at('none'))).toBe(false)
  })

  it('removes nothing if anything has failed', async () => {
    write(local)
    const bad = await runAll(
      syncDown(createFakeStorage({ objects: { ...remote, '../x': '1' } }), 'c', at(), { remove: true }),
    )
    expect(bad.error).toBeInstanceOf(TransferError)
    const storage = createFakeStorage({ objects: remote })
    storage.fail = (call) => (call === 'compare same' ? new TransferError('no') : undefined)
    const failed = await runAll(syncDown(storage, 'c', at(), { remove: true }))
    expect(failed.files).toContain('failed same: no')
    expect(read('')).toEqual({ ...local, ...remote })
  })

  it('removes nothing if the listing fails on its second page', async () => {
    const objects = Object.fromEntries(
      Array.from({ length: 10_001 }, (_, index) => [`f${String(index)}`, '']),
    )
    write({ extra: '1' })
    const storage = createFakeStorage({ objects: { a: '1', ...objects } })
    storage.fail = (call) =>
      call.startsWith('list') && storage.calls.filter((other) => other.startsWith('list')).length === 2
        ? httpError({ status: 403, method: 'GET', url: 'https://x/c' })
        : undefined
    const { files, error } = await runAll(syncDown(storage, 'c', at(), { remove: true, ignore: ['f*'] }))
    expect(error).toMatchObject({ status: 403 })
    expect(storage.calls.filter((call) => call.startsWith('list'))).toHaveLength(2)
    expect(files.filter((file) => file.startsWith('removed'))).toEqual([])
    expect(existsSync(at('extra'))).toBe(true)
  })

  it('leaves links and what is ignored, and goes through no link', async () => {
    write({ 'elsewhere/a': '1', 'root/x.log': '1', 'root/b': '1' })
    symlinkSync('../elsewhere', at('root/link'))
    const storage = createFakeStorage({ objects: { b: '1', 'y.log': '2' } })
    expect(await filesOf(syncDown(storage, 'c', at('root'), { remove: true, ignore: ['*.log'] }))).toEqual([
      'skipped link',
      'unchanged b',
    ])
    const through = createFakeStorage({ objects: { b: '1', 'link/a': 'bad' } })
    const { files } = await runAll(syncDown(through, 'c', at('root'), { remove: true, ignore: ['*.log'] }))
    expect(files).toContain('failed link/a: link is a symbolic link, which is not followed')
    expect(read('elsewhere')).toEqual({ a: '1' })
    expect(read('root')).toEqual({ 'x.log': '1', b: '1' })
  })

  it('says what is in the way of a file or a directory', async () => {
    write({ 'a/b': '1', c: '1' })
    const { files } = await runAll(
      syncDown(createFakeStorage({ objects: { a: '1', 'c/d': '1' } }), 'c', at(), { remove: true }),
    )
    expect(files).toEqual([
      expect.stringMatching(/^failed a: illegal operation on a directory/),
      'failed c/d: c is not a directory',
    ])
    expect(read('')).toEqual({ 'a/b': '1', c: '1' })
  })
})

describe('many at a time', () => {
  it('has no more under way than it may', async () => {
    write(Object.fromEntries(Array.from({ length: 40 }, (_, index) => [`f${String(index)}`, 'x'])))
    const storage = createFakeStorage({ delay: 1 })
    await filesOf(uploadMany(storage, at(), 'c', { concurrency: 5 }))
    expect(storage.active.most).toBe(5)
    expect(storage.objects.size).toBe(40)
  })

  it('does nothing before it is subscribed to, and as often as it is', async () => {
    write({ a: '1' })
    const storage = createFakeStorage()
    const events = uploadMany(storage, at(), 'c')
    expect(storage.calls).toEqual([])
    await filesOf(events)
    await filesOf(events)
    expect(storage.calls).toEqual(['upload a', 'upload a'])
  })
})
