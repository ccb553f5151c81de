import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { dirname } from 'node:path'
import { lastValueFrom, toArray, type Observable } from 'rxjs'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createSynnefo, type SynnefoClient } from '../../src/clients/synnefo/index.js'
import { startCloud, type EmbeddedCloud } from '../../src/testing/cloud/index.js'
import { useFolder } from '../streams/folder.js'

const BLOCK = 1024
let cloud: EmbeddedCloud
let client: SynnefoClient
const path = useFolder()

beforeEach(async () => {
  cloud = await startCloud({ clouds: ['synnefo'], synnefo: { blockSize: BLOCK } })
  client = createSynnefo({ authUrl: cloud.synnefo.authUrl, token: cloud.synnefo.token })
  await lastValueFrom(client.pithos.containers.create('c'))
})
afterEach(async () => {
  client.close()
  await cloud.close()
})

const files: Readonly<Record<string, Buffer>> = {
  'a.txt': Buffer.from('hello'),
  empty: Buffer.of(),
  'deep/er/b.bin': Buffer.alloc(3 * BLOCK, 'b'),
  'deep/c d.txt': Buffer.from('with a space'),
  'ünï/ç.txt': Buffer.from('unicode'),
  'large.bin': Buffer.from(Array.from({ length: 80 * BLOCK }, (_, index) => index % 251)),
}
function make(folder: string, content: Readonly<Record<string, Buffer>> = files): void {
  for (const [name, bytes] of Object.entries(content)) {
    mkdirSync(dirname(path(`${folder}/${name}`)), { recursive: true })
    writeFileSync(path(`${folder}/${name}`), bytes)
  }
}
const run = <T>(events: Observable<T>): Promise<T[]> => lastValueFrom(events.pipe(toArray()))
const actions = (events: readonly { kind: string }[]): string[] =>
  events.flatMap((event) =>
    event.kind === 'file' && 'path' in event && 'action' in event
      ? [`${String(event.action)} ${String(event.path)}`]
      : [],
  )
const names = async (): Promise<unknown[]> => (await run(client.pithos.list('c'))).map((item) => item.name)
const puts = (name: RegExp): number => cloud.requests({ method: 'PUT', path: name }).length

describe('a folder', () => {
  it('goes up and comes back, every byte of it', async () => {
    make('in')
    const up = await run(client.pithos.uploadMany(path('in'), 'c/backup'))
    expect(up.at(-1)).toMatchObject({
      kind: 'done',
      result: { uploaded: 6, bytes: 80 * BLOCK + 3 * BLOCK + 24 },
    })
    expect(await names()).toEqual(
      Object.keys(files)
        .map((name) => `backup/${name}`)
        .sort(),
    )
    const down = await run(client.pithos.downloadMany('c/backup', path('out')))
    expect(down.at(-1)).toMatchObject({ kind: 'done', result: { downloaded: 6 } })
    for (const [name, bytes] of Object.entries(files)) {
      expect(readFileSync(path(`out/${name}`)).equals(bytes)).toBe(true)
    }
  })

  it('takes one request for each small file, up and down', async () => {
    make('in', { a: Buffer.from('a'), b: Buffer.alloc(900, 'b'), c: Buffer.of() })
    const before = cloud.requests({ cloud: 'synnefo', path: /\/c\// }).length
    await run(client.pithos.uploadMany(path('in'), 'c/small'))
    expect(cloud.requests({ path: /\/c\/small\// }).length - before).toBe(3)
    const between = cloud.requests({ path: /\/c\/small\// }).length
    await run(client.pithos.downloadMany('c/small', path('out')))
    expect(cloud.requests({ path: /\/c\/small\// }).length - between).toBe(3)
    expect(readFileSync(path('out/b')).equals(Buffer.alloc(900, 'b'))).toBe(true)
  })

  it('is proved by the hashes of the listing: what was damaged on the way is fetched again', async () => {
    make('in', { a: Buffer.from('hello') })
    await run(client.pithos.uploadMany(path('in'), 'c'))
    cloud.faults.add({
      method: 'GET',
      path: /\/c\/a$/,
      fault: { kind: 'status', status: 200, body: 'HELLO' },
      times: 1,
    })
    await run(client.pithos.downloadMany('c', path('out')))
    expect(readFileSync(path('out/a'), 'utf8')).toBe('hello')
  })

  it('is told what fails, and moves the rest', async () => {
    make('in', { a: Buffer.from('a'), b: Buffer.from('b') })
    cloud.faults.add({
      method: 'PUT',
      path: /\/c\/a$/,
      fault: { kind: 'status', status: 403, body: {} },
      times: Infinity,
    })
    const events: { kind: string }[] = []
    const failure = await new Promise<unknown>((resolve) => {
      client.pithos
        .uploadMany(path('in'), 'c')
        .subscribe({ next: (event) => events.push(event), error: resolve })
    })
    expect(failure).toMatchObject({ code: 'SKY_TRANSFER' })
    expect(String(failure)).toMatch(/1 failed: a:/)
    expect(await names()).toEqual(['b'])
    expect(events).toContainEqual(expect.objectContaining({ kind: 'failed', path: 'a' }))
  })

  it('fails at once without a container', async () => {
    make('in')
    await expect(run(client.pithos.uploadMany(path('in'), 'nowhere'))).rejects.toMatchObject({ status: 404 })
  })

  it('is not left through a link', async () => {
    make('in', { 'dir/a': Buffer.from('a') })
    await run(client.pithos.uploadMany(path('in'), 'c'))
    mkdirSync(path('elsewhere'))
    mkdirSync(path('out'))
    symlinkSync(path('elsewhere'), path('out/dir'))
    await expect(run(client.pithos.downloadMany('c', path('out')))).rejects.toThrow()
    expect(readdirSync(path('elsewhere'))).toEqual([])
  })
})

describe('sync', () => {
  it('moves only what differs, by content and not by time', async () => {
    make('in')
    await run(client.pithos.syncUp(path('in'), 'c/s'))
    utimesSync(path('in/large.bin'), 1, 1)
    writeFileSync(path('in/a.txt'), 'HELLO')
    writeFileSync(path('in/new'), 'new')
    const large = puts(/large/)
    const events = await run(client.pithos.syncUp(path('in'), 'c/s'))
    expect(actions(events).sort()).toEqual([
      'unchanged deep/c d.txt',
      'unchanged deep/er/b.bin',
      'unchanged empty',
      'unchanged large.bin',
      'unchanged ünï/ç.txt',
      'uploaded a.txt',
      'uploaded new',
    ])
    expect(puts(/large/)).toBe(large)
    const down = await run(client.pithos.syncDown('c/s', path('in')))
    expect(new Set(actions(down).map((action) => action.split(' ')[0]))).toEqual(new Set(['unchanged']))
  })

  it('removes what is too much, if it is told to', async () => {
    make('in', { a: Buffer.from('a'), b: Buffer.from('b') })
    await run(client.pithos.syncUp(path('in'), 'c'))
    await lastValueFrom(client.pithos.write('c/extra', 'x'))
    await run(client.pithos.syncUp(path('in'), 'c'))
    expect(await names()).toEqual(['a', 'b', 'extra'])
    const dry = await run(client.pithos.syncUp(path('in'), 'c', { remove: true, dryRun: true }))
    expect(actions(dry)).toContain('removed extra')
    expect(await names()).toEqual(['a', 'b', 'extra'])
    await run(client.pithos.syncUp(path('in'), 'c', { remove: true }))
    expect(await names()).toEqual(['a', 'b'])

    make('out', { a: Buffer.from('old'), z: Buffer.from('z') })
    await run(client.pithos.syncDown('c', path('out'), { remove: true }))
    expect(readdirSync(path('out')).sort()).toEqual(['a', 'b'])
    expect(readFileSync(path('out/a'), 'utf8')).toBe('a')
    expect(statSync(path('out/b')).size).toBe(1)
    expect(existsSync(path('out/z'))).toBe(false)
  })
})
