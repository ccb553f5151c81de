import { fileURLToPath } from 'node:url'
import { ESLint } from 'eslint'
import rxjs from 'eslint-plugin-rxjs-x'
import tseslint from 'typescript-eslint'
import { describe, expect, it } from 'vitest'

const root = fileURLToPath(new URL('..', import.meta.url))

/** Lints text under the name of a file that need not exist. */
const untyped = new ESLint({
  cwd: root,
  overrideConfig: [
    tseslint.configs.disableTypeChecked,
    {
      rules: Object.fromEntries(Object.keys(rxjs.rules).map((rule) => [`rxjs-x/${rule}`, 'off' as const])),
    },
  ],
})
/** Lints text in place of a file that exists, with type information. */
const typed = new ESLint({ cwd: root })

async function rulesHit(eslint: ESLint, filePath: string, code: string): Promise<string[]> {
  const [result] = await eslint.lintText(`${code}\n`, { filePath })
  return (result?.messages ?? []).map(({ ruleId, message }) => ruleId ?? message)
}

const clock = 'design/no-clock'
const promise = 'design/no-promise'
const pulled = 'design/no-pulled-source'
const share = 'design/no-share-replay'

describe('the rules that hold the design', () => {
  it.each([
    [clock, 'export const now = () => Date.now()'],
    [clock, 'export const now = Date.now'],
    [clock, "export const now = Date['now']()"],
    [clock, 'const { now } = Date\nexport const later = now() + 1'],
    [clock, 'export const now = () => new Date()'],
    [clock, 'export const now = () => Date()'],
    [clock, 'export const now = () => performance.now()'],
    [clock, 'export const now = () => process.hrtime.bigint()'],
    [clock, 'export const draw = () => Math.random()'],
    [clock, 'export const wait = (work: () => void) => setTimeout(work, 1)'],
    [clock, 'export const wait = (work: () => void) => globalThis.setTimeout(work, 1)'],
    [clock, 'export const wait = (work: () => void) => setInterval(work, 1)'],
    [clock, 'export const wait = (work: () => void) => setImmediate(work)'],
    [clock, 'export const timer = { start: setTimeout }'],
    [clock, 'export const limit = () => AbortSignal.timeout(5)'],
    [
      clock,
      "export { setTimeout } from 'node:timers'\nimport { setImmediate as soon } from 'node:timers'\nsoon(String)",
    ],
    [clock, "import { performance as clock } from 'node:perf_hooks'\nexport const now = clock.now()"],
    [promise, 'export async function read() {}'],
    [promise, 'export const read = async () => {}'],
    [promise, 'export const read = { async body() {} }'],
    [promise, 'export async function* read() { yield 1 }'],
    [promise, 'export const read = () => Promise.resolve(1)'],
    [promise, 'export const read = () => new Promise(() => {})'],
    [promise, 'export interface Source { read(): Promise<number> }'],
    [promise, 'export interface Source { read(): PromiseLike<number> }'],
    [promise, "export const load = () => import('jose').then(String)"],
    [promise, "import { firstValueFrom, of } from 'rxjs'\nexport const one = firstValueFrom(of(1))"],
    [
      share,
      "import { shareReplay } from 'rxjs'\nexport const last = shareReplay({ bufferSize: 1, refCount: true })",
    ],
    [share, "import { shareReplay as replay } from 'rxjs'\nexport const last = replay(1)"],
    [share, "import * as rx from 'rxjs'\nexport const last = rx.shareReplay(1)"],
    ['design/no-default-export', 'export default 1'],
    ['design/no-default-export', 'const one = 1\nexport { one as default }'],
    ['design/no-enum', "export enum State { Ready = 'ready' }"],
    ['no-console', "console.log('here')"],
    ['n/no-top-level-await', "export const jose = await import('jose')"],
    ['n/no-unpublished-import', "import got from 'got'\nexport const get = got.get"],
    [
      'n/no-unsupported-features/node-builtins',
      "import { DatabaseSync } from 'node:sqlite'\nexport { DatabaseSync }",
    ],
  ])('%s bites in a file of the clients: %s', async (rule, code) => {
    expect(await rulesHit(untyped, 'src/clients/synnefo/servers.ts', code)).toContain(rule)
  })

  it.each([
    'src/streams/transfer.ts',
    'src/streams/sources.ts',
    'src/clients/synnefo/pithos.ts',
    'src/clients/synnefo/pithos/upload.ts',
  ])('from() is refused in %s, where data moves', async (file) => {
    const code =
      "import { from } from 'rxjs'\nexport const pieces = (source: AsyncIterable<number>): unknown => from(source)"
    expect(await rulesHit(untyped, file, code)).toContain(pulled)
    expect(await rulesHit(untyped, 'src/clients/synnefo/servers.ts', code)).toEqual([])
  })

  it.each([
    'src/auth/stackit-key.ts',
    'src/auth/credentials.ts',
    'src/auth/token-store.ts',
    'src/clients/stackit/credentials.ts',
    'src/http/undici-transport.ts',
    'src/streams/async-iterable.ts',
    'src/streams/checkpoints.ts',
    'src/streams/hashing.ts',
    'src/streams/sinks.ts',
    'src/streams/sources.ts',
  ])('%s may use promises, but not the clock', async (file) => {
    const code =
      'export async function read(source: Promise<number>): Promise<number> { return await source }'
    expect(await rulesHit(untyped, file, code)).toEqual([])
    expect(await rulesHit(untyped, file, 'export const now = (): number => Date.now()')).toEqual([clock])
  })

  it.each([
    'src/auth/token-subject.ts',
    'src/auth/authorize.ts',
    'src/http/middleware.ts',
    'src/operators/poll-until.ts',
    'src/runtime.ts',
    'src/streams/operation.ts',
    'src/testing/marbles.ts',
    'src/testing/fake-transport.ts',
  ])('%s may not use promises', async (file) => {
    expect(await rulesHit(untyped, file, 'export const read = (): unknown => Promise.resolve(1)')).toEqual([
      promise,
    ])
  })

  it.each([
    ['src/runtime.ts', 'export const now = (): number => Date.now()'],
    [
      'src/testing/cloud/clock.ts',
      'export const now = async (): Promise<number> => Promise.resolve(Date.now())',
    ],
    ['src/bin.ts', '#!/usr/bin/env node\nawait Promise.resolve()\nconsole.log(Date.now(), Math.random())'],
  ])('%s may use what the others may not', async (file, code) => {
    expect(await rulesHit(untyped, file, code)).toEqual([])
  })

  it('leaves alone what only looks like time, a promise or a replay', async () => {
    const code = [
      'export const parsed = new Date(0)',
      'export const root = Math.max(1, 2)',
      'export function arm(set: { setTimeout(ms: number): void }): void { set.setTimeout(1) }',
      'export function after(setTimeout: (ms: number) => void): void { setTimeout(1) }',
      "export { share, ReplaySubject } from 'rxjs'",
    ].join('\n')
    expect(await rulesHit(untyped, 'src/http/middleware.ts', code)).toEqual([])
  })

  it.each(['utils', 'http-helpers', 'common', 'misc', 'string.util'])(
    'no file is called %s',
    async (name) => {
      expect(await rulesHit(untyped, `src/http/${name}.ts`, 'export const one = 1')).toEqual([
        'design/no-vague-file-name',
      ])
    },
  )

  it('tests may wait, promise and ignore errors', async () => {
    const code =
      'export const read = async () => { setTimeout(() => {}, 1); return Promise.resolve(Date.now()) }'
    expect(await rulesHit(untyped, 'test/http/middleware.test.ts', code)).not.toContain(promise)
    expect(await rulesHit(untyped, 'test/http/middleware.test.ts', code)).not.toContain(clock)
  })
})

describe('the rules of reactive code', () => {
  it('bite with type information', { timeout: 60_000 }, async () => {
    const code = `
      import { Observable, Subject, map, mergeMap, of, shareReplay, takeUntil, type Subscriber } from 'rxjs'
      export class Exposed { readonly values = new Subject<number>() }
      const stop = of(1)
      of(1)
      of(1).subscribe()
      of(1).subscribe((value) => { of(value).subscribe({ error: String }) })
      of(1).subscribe({ next: async (value) => { await Promise.resolve(value) } })
      export const leaky = of(1).pipe(takeUntil(stop), mergeMap(() => of(2)))
      export const kept = of(1).pipe(shareReplay({ bufferSize: 1, refCount: true }))
      export const loose = of<any>(1).pipe(map((value) => value.field))
      export class Own extends Observable<number> {}
      export function floating(subscriber: Subscriber<number>): void { void Promise.reject(subscriber); Promise.resolve(1) }
    `
    const hits = await rulesHit(typed, 'src/version.ts', code)
    expect(hits).toEqual(
      expect.arrayContaining([
        'rxjs-x/no-exposed-subjects',
        'rxjs-x/no-floating-observables',
        'rxjs-x/no-ignored-error',
        'rxjs-x/no-ignored-subscription',
        'rxjs-x/no-nested-subscribe',
        'rxjs-x/no-async-subscribe',
        'rxjs-x/no-unsafe-takeuntil',
        'rxjs-x/no-sharereplay',
        'rxjs-x/no-subclass',
        '@typescript-eslint/no-explicit-any',
        '@typescript-eslint/no-unsafe-return',
        '@typescript-eslint/no-floating-promises',
      ]),
    )
  })
})
