import { readFileSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { isIP } from 'node:net'
import { dirname, resolve } from 'node:path'
import { defer, from, type Observable } from 'rxjs'
import { domainMatch, pathMatch } from 'tough-cookie'
import writeFileAtomic from 'write-file-atomic'
import { ConfigurationError, type CloudName } from '../errors.js'
import { fileTrouble, missingFile } from './file-trouble.js'

/** What is kept of a cookie. */
export interface KeptCookie {
  readonly value: string
  /** Milliseconds since the epoch; absent for one that ends with its session. */
  readonly expiresAt?: number | undefined
}

/** One cookie in a file that others may use as well. */
export interface CookieStore {
  readonly path: string
  /**
   * The cookie, read now; undefined if there is no file, or none of its cookies fits and is still good.
   *
   * @throws ConfigurationError if the file cannot be read, or is no cookie file
   */
  load(): KeptCookie | undefined
  /** Puts the cookie into the file, and leaves those of others where they are. */
  save(cookie: KeptCookie): Observable<void>
  /** Takes the cookie out of the file; makes no file where there is none. */
  clear(): Observable<void>
}

export interface NetscapeCookieStoreOptions {
  readonly path: string
  /** The address that the cookie is for. */
  readonly origin: string
  /** The path that the cookie is for. */
  readonly prefix: string
  /** Name of the cookie. */
  readonly name: string
  readonly now: () => number
  /** Named in the errors. */
  readonly cloud?: CloudName
}

const header = `# Netscape HTTP Cookie File
# http://curl.haxx.se/rfc/cookie_spec.html
# This is a generated file!  Do not edit.
`
const firstLine = /^#(?: Netscape)? HTTP Cookie File/
const httpOnly = '#HttpOnly_'

/**
 * A cookie in a file of the Netscape format, which `curl` and the reference clients read and write (slipstream dossier 2.5). It is
 * written in one step, readable by its owner only; so is a folder that has to be made.
 */
export function netscapeCookieStore(options: NetscapeCookieStoreOptions): CookieStore {
  const path = resolve(options.path)
  const site = siteOf(options)
  const inTurn = queue()

  const change = (own: readonly Line[], always: boolean): Observable<void> =>
    defer(() =>
      from(
        inTurn(async () => {
          const now = options.now()
          const lines = readLines(path, options.cloud)
          const others = (lines ?? []).filter((line) => !isOver(line, now) && !isOwn(line, site))
          if (!always && lines === undefined) return
          await write(path, [...others, ...own], options.cloud)
        }),
      ),
    )

  return {
    path,
    load: () => {
      const now = options.now()
      const fitting = (readLines(path, options.cloud) ?? []).filter(
        (line) => line.name === site.name && !isOver(line, now) && isFor(line, site),
      )
      // The one for the longest path is meant; of equal ones, the last.
      const best = fitting.reduce<Line | undefined>(
        (chosen, line) => (chosen === undefined || line.path.length >= chosen.path.length ? line : chosen),
        undefined,
      )
      return best === undefined ? undefined : { value: best.value, expiresAt: best.expiresAt }
    },
    save: (cookie) => change([lineOf(cookie, site)], true),
    clear: () => change([], false),
  }
}

/** One after the other: each reads what the one before has written. */
function queue(): (task: () => Promise<void>) => Promise<void> {
  let last = Promise.resolve()
  return (task) => {
    const done = last.then(task)
    last = done.catch(() => undefined)
    return done
  }
}

// --- whose cookie it is -------------------------------------------------------------------------------------------

interface Site {
  readonly host: string
  readonly path: string
  readonly secure: boolean
  readonly name: string
}

function siteOf({ origin, prefix, name }: NetscapeCookieStoreOptions): Site {
  const { hostname, protocol } = new URL(origin)
  const isName = isIP(hostname.replaceAll(/[[\]]/g, '')) === 0
  return {
    // The reference clients know no host without a dot.
    host: isName && !hostname.includes('.') ? `${hostname}.local` : hostname,
    path: `${prefix}/`,
    secure: protocol === 'https:',
    name,
  }
}

/** Whether the cookie is sent to the site. */
function isFor(line: Line, site: Site): boolean {
  const domain = line.domain.replace(/^\./, '').toLowerCase()
  const inDomain = line.subdomains ? domainMatch(site.host, domain) === true : site.host === domain
  return inDomain && pathMatch(site.path, line.path) && (site.secure || !line.secure)
}

/** Whether it is one of those that stand for the session, and make room for a new one. */
function isOwn(line: Line, site: Site): boolean {
  return line.name === site.name && isFor({ ...line, secure: false }, site)
}

// --- lines --------------------------------------------------------------------------------------------------------

interface Line {
  readonly domain: string
  readonly subdomains: boolean
  readonly path: string
  readonly secure: boolean
  readonly expiresAt: number | undefined
  readonly name: string
  readonly value: string
  /** As it stood in the file. */
  readonly text: string
}

function lineOf({ value, expiresAt }: KeptCookie, { host, secure, name }: Site): Line {
  const expires = expiresAt === undefined ? '' : String(Math.floor(expiresAt / 1000))
  const fields = [host, 'FALSE', '/', flag(secure), expires, name, value]
  return {
    domain: host,
    subdomains: false,
    path: '/',
    secure,
    expiresAt,
    name,
    value,
    text: fields.join('\t'),
  }
}

function flag(set: boolean): string {
  return set ? 'TRUE' : 'FALSE'
}

function isOver({ expiresAt }: Line, now: number): boolean {
  return expiresAt !== undefined && expiresAt <= now
}

/** The cookies of the file; undefined if there is none. What is wrong is told without what stands there. */
function readLines(path: string, cloud: CloudName | undefined): readonly Line[] | undefined {
  let content: string
  try {
    content = readFileSync(path, 'utf8')
  } catch (error) {
    const trouble = fileTrouble(error)
    if (trouble === missingFile) return undefined
    throw new ConfigurationError(`cookie file ${path}: ${trouble}`, { cloud })
  }
  const [first = '', ...rest] = content.split(/\r?\n/)
  if (!firstLine.test(first)) {
    throw new ConfigurationError(`cookie file ${path}: does not begin as a Netscape cookie file does`, {
      cloud,
    })
  }
  return rest.flatMap((text, index) => {
    if (text.trim() === '' || (text.startsWith('#') && !text.startsWith(httpOnly))) return []
    const line = parseLine(text)
    if (line === undefined) {
      throw new ConfigurationError(`cookie file ${path}: line ${String(index + 2)} is no cookie`, { cloud })
    }
    return [line]
  })
}

function parseLine(text: string): Line | undefined {
  const fields = (text.startsWith(httpOnly) ? text.slice(httpOnly.length) : text).split('\t')
  const [domain = '', subdomains = '', path = '', secure = '', expires = '', name = '', value] = fields
  if (fields.length !== 7 || value === undefined || domain === '') return undefined
  const isFlag = (field: string): boolean => field === 'TRUE' || field === 'FALSE'
  if (!isFlag(subdomains) || !isFlag(secure) || !/^(?:\d+(?:\.\d+)?)?$/.test(expires)) return undefined
  return {
    domain,
    subdomains: subdomains === 'TRUE',
    path,
    secure: secure === 'TRUE',
    // `curl` writes 0 for a cookie that ends with its session.
    expiresAt: Number(expires) === 0 ? undefined : Number(expires) * 1000,
    name,
    value,
    text,
  }
}

async function write(path: string, lines: readonly Line[], cloud: CloudName | undefined): Promise<void> {
  const content = [header, ...lines.map(({ text }) => text)].join('\n')
  try {
    await mkdir(dirname(path), { recursive: true, mode: 0o700 })
    await writeFileAtomic(path, lines.length === 0 ? header : `${content}\n`, { mode: 0o600 })
  } catch (error) {
    throw new ConfigurationError(`cookie file ${path}: cannot be written: ${codeOf(error)}`, { cloud })
  }
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : 'unknown'
}
