import { execFile, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe } from 'vitest'

export interface SwiftUser {
  readonly user: string
  readonly key: string
  readonly account: string
}

/** OpenStack Swift with TempAuth. */
export interface SwiftServer extends SwiftUser {
  readonly authUrl: string
  /** Somebody with an account of its own. */
  readonly other: SwiftUser
  /** The process of each server, which leads the group of its workers. */
  readonly pids: Readonly<Record<'memcached' | 'account' | 'container' | 'object' | 'proxy', number>>
}

/** OpenStack Keystone, version 3. */
export interface KeystoneServer {
  /** Ends with `/v3`. */
  readonly authUrl: string
  readonly user: string
  readonly password: string
  readonly project: string
  /** Of the user and of the project. */
  readonly domainId: string
  readonly region: string
  /** Seconds. */
  readonly tokenLife: number
  readonly pids: Readonly<Record<'keystone', number>>
}

export interface RealServers {
  readonly swift: SwiftServer
  readonly keystone: KeystoneServer
}

export interface RealServerOptions {
  /** Seconds that a token lives. Default: a day in Swift, 20 in Keystone. */
  readonly tokenLife?: number
}

const START_LIMIT = 180_000
const run = promisify(execFile)

function script(name: keyof RealServers): string {
  return fileURLToPath(new URL(`../../scripts/servers/${name}.sh`, import.meta.url))
}

/** Why a server cannot be started here, if it cannot. */
function obstacle(name: keyof RealServers): string | undefined {
  const { status, stdout, error } = spawnSync(script(name), ['missing'], { encoding: 'utf8' })
  if (error !== undefined || status !== 0) return `${script(name)} does not run here`
  const missing = stdout.trim().replaceAll('\n', ', ')
  return missing === '' ? undefined : `not installed: ${missing}`
}

/** Why a suite is left out, if it is: the variable SKYSTREAM_REAL_SERVERS may be `required`, `off` or unset. */
function skipReason(name: keyof RealServers): string | undefined {
  const wish = process.env['SKYSTREAM_REAL_SERVERS'] ?? ''
  if (wish === 'off') return 'SKYSTREAM_REAL_SERVERS=off'
  if (wish === 'required') return undefined
  if (wish !== '') throw new TypeError(`SKYSTREAM_REAL_SERVERS: expected required or off, not ${wish}`)
  const reason = obstacle(name)
  // The usual reporters keep the titles of skipped suites to themselves.
  if (reason !== undefined) process.stderr.write(`no tests against a real ${name}: ${reason}\n`)
  return reason
}

/**
 * A suite against a real server, which is started before its first test and ended after its last one, or when this process
 * is gone. Where it cannot be started the suite is skipped, and its title says why.
 */
export function describeReal<Name extends keyof RealServers>(
  name: Name,
  tests: (server: () => RealServers[Name]) => void,
  { tokenLife }: RealServerOptions = {},
): void {
  const reason = skipReason(name)
  const title = `a real ${name}`
  describe.skipIf(reason !== undefined)(
    reason === undefined ? title : `${title} (skipped: ${reason})`,
    () => {
      let folder: string | undefined
      let server: RealServers[Name] | undefined

      beforeAll(async () => {
        folder = mkdtempSync(join(tmpdir(), `skystream-${name}-`))
        const env = {
          ...process.env,
          // This worker, and the program that started it.
          OWNER_PID: `${process.pid} ${process.ppid}`,
          ...(tokenLife === undefined ? {} : { TOKEN_LIFE: String(tokenLife) }),
        }
        const { stdout } = await run(script(name), ['start', folder], { env })
        server = JSON.parse(stdout) as RealServers[Name]
      }, START_LIMIT)

      afterAll(async () => {
        if (folder === undefined) return
        await run(script(name), ['stop', folder])
        rmSync(folder, { recursive: true, force: true })
      }, START_LIMIT)

      tests(() => {
        if (server === undefined) throw new Error(`the real ${name} has not been started`)
        return server
      })
    },
  )
}
