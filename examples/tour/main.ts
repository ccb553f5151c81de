// npm start - a server built, a file moved, a token renewed. On the embedded cloud, or on real ones (see ../clouds.ts).
import { createHash, randomFillSync } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { filter, firstValueFrom, lastValueFrom, map, tap, toArray } from 'rxjs'
import { result } from 'skystream/operators'
import type { Flavor, SynnefoClient } from 'skystream/synnefo'
import { openClouds, type Clouds } from '../clouds.js'
import { bar, heading, line, mib, showTransfer } from './show.js'

const FILE_BYTES = 96 * 2 ** 20
const container = `skystream-tour-${String(process.pid)}`

async function discover({ synnefo, where }: Clouds): Promise<void> {
  heading(`1. A catalogue, discovered at ${where.synnefo}`)
  const entries = await lastValueFrom(synnefo.identity.catalog())
  for (const { type, endpoints } of entries) line(`${type.padEnd(16)} ${endpoints[0]?.publicURL ?? ''}`)
  const { user, expiresAt } = await lastValueFrom(synnefo.identity.authenticate())
  line(`signed in as ${user.name}; the token is good until ${when(expiresAt)}`)
}

/** Tells of each token as it comes; returns how to ask how many there were. */
async function signIn({ stackit, where }: Clouds): Promise<() => number> {
  heading(`2. A token for a signed assertion, from ${where.stackit}`)
  let tokens = 0
  stackit.tokens
    .pipe(
      filter((state) => state.kind === 'valid'),
      map(({ token }) => token.expiresAt),
    )
    .subscribe({
      next: (expiresAt) => {
        tokens += 1
        line(
          tokens === 1
            ? `granted, good until ${when(expiresAt)}`
            : `  (token renewed by itself, good until ${when(expiresAt)})`,
        )
      },
      error: (error: unknown) => {
        throw error
      },
    })
  await firstValueFrom(stackit.tokens.token())
  return () => tokens - 1
}

async function build({ synnefo }: Clouds): Promise<string> {
  heading('3. A server, from BUILD to ACTIVE')
  const spec = { name: 'tour', flavorRef: await smallest(synnefo), imageRef: await anImage(synnefo) }
  const progress = bar('building')
  const server = await lastValueFrom(
    synnefo.servers.build(spec).pipe(
      tap((event) => {
        if (event.kind === 'progress') progress.update(event.percent ?? 0, event.state)
        if (event.kind === 'retrying')
          progress.update(0, `cloud busy, next try in ${String(event.delayMs)} ms`)
      }),
      result(),
    ),
  )
  progress.end(server.status)
  const secret = server.adminPass === undefined ? 'no password' : 'a password that no log shows'
  line(`server ${String(server.id)} is ${server.status}; it came with ${secret}`)
  await lastValueFrom(synnefo.servers.remove(server.id), { defaultValue: undefined })
  const last = await lastValueFrom(synnefo.servers.watch(server.id, { until: 'DELETED' }).pipe(result()))
  line(`and is ${last.status} again`)
  return server.status
}

async function smallest(synnefo: SynnefoClient): Promise<Flavor['id']> {
  const flavors = await lastValueFrom(
    synnefo.flavors.list().pipe(
      filter((flavor) => flavor['SNF:allow_create'] !== false),
      toArray(),
    ),
  )
  const [least] = flavors.sort((a, b) => (a.ram ?? 0) - (b.ram ?? 0) || (a.disk ?? 0) - (b.disk ?? 0))
  if (least === undefined) throw new Error('the cloud has no flavor to build from')
  return least.id
}

async function anImage(synnefo: SynnefoClient): Promise<string> {
  const image = await firstValueFrom(
    synnefo.images
      .list()
      .pipe(filter(({ name, is_snapshot }) => /debian/i.test(name) && is_snapshot !== true)),
  )
  return image.id
}

async function move({ synnefo }: Clouds, folder: string): Promise<boolean> {
  heading(`4. A file of ${mib(FILE_BYTES)}, cut into blocks, hashed, sent, fetched and compared`)
  const original = join(folder, 'original.bin')
  const copy = join(folder, 'copy.bin')
  await writeFile(original, randomFillSync(Buffer.alloc(FILE_BYTES)))
  const { pithos } = synnefo
  await lastValueFrom(pithos.containers.create(container))
  try {
    const target = `${container}/tour.bin`
    await lastValueFrom(pithos.upload(original, target).pipe(tap(showTransfer('upload'))))
    await lastValueFrom(pithos.upload(original, target).pipe(tap(showTransfer('again'))))
    await lastValueFrom(pithos.download(target, copy).pipe(tap(showTransfer('download'))))
    const [before, after] = await Promise.all([sha256(original), sha256(copy)])
    line(
      `SHA-256 ${before.slice(0, 16)}… and ${after.slice(0, 16)}…: ${before === after ? 'equal' : 'DIFFERENT'}`,
    )
    await lastValueFrom(pithos.remove(target), { defaultValue: undefined })
    return before === after
  } finally {
    await lastValueFrom(pithos.containers.remove(container), { defaultValue: undefined })
  }
}

async function sha256(path: string): Promise<string> {
  const hash = createHash('sha256')
  await pipeline(createReadStream(path), hash)
  return hash.digest('hex')
}

function times(count: number): string {
  return `${String(count)} ${count === 1 ? 'time' : 'times'}`
}

function when(time: number | undefined): string {
  return time === undefined ? 'for ever' : new Date(time).toISOString()
}

async function main(): Promise<void> {
  const startedAt = performance.now()
  const clouds = await openClouds()
  const folder = await mkdtemp(join(tmpdir(), 'skystream-tour-'))
  try {
    await discover(clouds)
    const renewals = await signIn(clouds)
    const status = await build(clouds)
    const equal = await move(clouds, folder)
    heading('Verified')
    line(`server built: ${status}`)
    line(`hashes equal: ${String(equal)}`)
    line(`token renewed by itself: ${times(renewals())}`)
    line(`in ${((performance.now() - startedAt) / 1000).toFixed(1)} s`)
    if (!equal || status !== 'ACTIVE') process.exitCode = 1
  } finally {
    await rm(folder, { recursive: true, force: true })
    await clouds.close()
  }
}

await main()
