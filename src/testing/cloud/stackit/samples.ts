import { createHash } from 'node:crypto'
import type { Schema } from './documents.js'
import { isFields, type Schemas } from './schemas.js'

/** What samples are made from: the same origin gives the same ones. */
export interface Origin {
  /** Of what the sample stands for, and where in it. */
  readonly seed: string
  /** Wall time, ms since the epoch. */
  readonly time: number
  /** Values known by name: what the path says, for instance. */
  readonly given: Readonly<Record<string, unknown>>
  /** How many items arrays have that may be empty. Default 0. */
  readonly items?: number
  /** Whether it is for a server: then with what is only to be written, without what is only to be read. */
  readonly isSent?: boolean
}

/** How good a state is for something that nothing happens to. */
const SETTLED = [
  /(^|_)(active|ready|available|running|healthy|enabled)$/i,
  /(^|_)(succeeded|completed|finished|processed|created|ok)$/i,
  /(^|_)(none|never|supported)$/i,
]
const STATE_NAMES = /(state|status|phase|aggregated)$/i

export function at(origin: Origin, name: string): Origin {
  return { ...origin, seed: `${origin.seed}/${name}` }
}

/** A value that a server might have made, right by the schema. Of an object, what must be there. */
export function sample(schemas: Schemas, schema: Schema, origin: Origin, name = ''): unknown {
  const found = schemas.resolve(schema)
  const [alternative] = found.oneOf ?? found.anyOf ?? []
  const shape = schemas.shape(found)
  if (alternative !== undefined) {
    const chosen = sample(schemas, alternative, origin, name)
    const marked = mark(found, alternative, chosen)
    // Some choices name required properties of their own beside the alternatives.
    const own = shape === undefined ? {} : sampleObject(schemas, shape, origin)
    return isFields(marked) ? { ...own, ...marked } : marked
  }
  if (shape !== undefined) return sampleObject(schemas, shape, origin, found.minProperties)
  switch (found.type) {
    case 'array': {
      const wanted = Math.max(found.minItems ?? 0, origin.items ?? 0)
      const count = found.uniqueItems === true ? Math.min(wanted, 1) : wanted
      const items = found.items ?? {}
      return Array.from({ length: Math.min(count, found.maxItems ?? count) }, (_, index) =>
        sample(schemas, items, at(origin, String(index)), singular(name)),
      )
    }
    case 'boolean':
      return typeof found.default === 'boolean' ? found.default : false
    case 'integer':
    case 'number':
      return sampleNumber(found, origin, name)
    case 'object':
      return {}
    default:
      return found.type === undefined && found.enum === undefined && found.format === undefined
        ? {}
        : sampleText(found, origin, name)
  }
}

function sampleObject(
  schemas: Schemas,
  shape: NonNullable<ReturnType<Schemas['shape']>>,
  origin: Origin,
  least = 0,
): Record<string, unknown> {
  const made: Record<string, unknown> = {}
  for (const [property, schema] of Object.entries(shape.properties)) {
    const { readOnly, writeOnly } = schemas.resolve(schema)
    const isWrongWay = origin.isSent === true ? readOnly === true : writeOnly === true
    const isMissing = shape.required.size < least && Object.keys(made).length < least
    if (!(shape.required.has(property) || isMissing) || isWrongWay) continue
    made[property] = sample(schemas, schema, at(origin, property), property)
  }
  return made
}

/** Writes into an object what tells which alternative it is. */
export function mark(choice: Schema, alternative: Schema, value: unknown): unknown {
  const { discriminator } = choice
  if (discriminator === undefined || alternative.$ref === undefined || !isFields(value)) return value
  const word = Object.entries(discriminator.mapping ?? {}).find(
    ([, target]) => target === alternative.$ref,
  )?.[0]
  return { ...value, [discriminator.propertyName]: word ?? alternative.$ref }
}

function sampleNumber(schema: Schema, origin: Origin, name: string): number {
  const [first] = schema.enum ?? []
  if (typeof first === 'number') return first
  if (typeof schema.default === 'number') return schema.default
  const given = origin.given[name]
  if (typeof given === 'number') return given
  const low = (schema.minimum ?? 0) + (schema.exclusiveMinimum === true ? 1 : 0)
  const high = (schema.maximum ?? Infinity) - (schema.exclusiveMaximum === true ? 1 : 0)
  const wanted = /port$/i.test(name)
    ? 5432
    : /^(id|.*Id)$/.test(name)
      ? 1 + (number(origin.seed) % 100_000)
      : 1
  const step = schema.multipleOf ?? 1
  const value = Math.min(Math.max(wanted, low), high)
  return step > 1 ? Math.ceil(value / step) * step : value
}

function sampleText(schema: Schema, origin: Origin, name: string): string {
  const fits = (text: unknown): text is string => typeof text === 'string' && fitsText(schema, text)
  const states = (schema.enum ?? schema.known ?? []).filter((value) => typeof value === 'string')
  if (states.length > 0) {
    const ranked = STATE_NAMES.test(name)
      ? SETTLED.map((pattern) => states.find((state) => pattern.test(state)))
      : []
    const fitting = [schema.default, ...ranked, ...states].find(fits)
    if (fitting !== undefined) return fitting
  }
  if (fits(schema.default)) return schema.default
  const given = origin.given[name]
  if (fits(given)) return given
  const candidates = [...byFormat(schema, origin, name), ...byName(origin, name), ...byPattern(origin)]
  const found = candidates.find(fits)
  if (found !== undefined) return found
  const padded = 'sample'.padEnd(schema.minLength ?? 0, 'x').slice(0, schema.maxLength)
  if (fits(padded)) return padded
  throw new Error(`No sample for ${name} fits ${schema.pattern ?? ''}`)
}

export function fitsText(schema: Schema, text: string): boolean {
  return (
    (schema.enum === undefined || schema.enum.includes(text)) &&
    text.length >= (schema.minLength ?? 0) &&
    text.length <= (schema.maxLength ?? Infinity) &&
    (schema.pattern === undefined || patternOf(schema.pattern).test(text))
  )
}

const patterns = new Map<string, RegExp>()

function patternOf(source: string): RegExp {
  let pattern = patterns.get(source)
  if (pattern === undefined) {
    try {
      pattern = new RegExp(source, 'u')
    } catch {
      // Some escape what needs no escape, which only the old kind of pattern allows.
      pattern = new RegExp(source)
    }
    patterns.set(source, pattern)
  }
  return pattern
}

function byFormat(schema: Schema, origin: Origin, name: string): readonly string[] {
  switch (schema.format) {
    case 'uuid':
      return [uuid(origin.seed)]
    case 'date-time':
      return [new Date(origin.time).toISOString()]
    case 'date':
      return [new Date(origin.time).toISOString().slice(0, 10)]
    case 'email':
      return ['jane@example.org']
    case 'uri':
    case 'url':
      return [`https://${host(origin, name)}/`]
    case 'hostname':
    case 'domain':
      return [host(origin, name)]
    case 'ipv4':
      return [address(origin)]
    case 'ipv6':
      return ['2001:db8::1']
    case 'cidr':
      return ['192.0.2.0/24']
    case 'byte':
    case 'bytes':
      return [Buffer.from(hex(origin.seed, 24), 'hex').toString('base64')]
    case 'duration':
      return ['PT1H']
    case 'decimal':
      return ['1.00']
    case 'int64':
      return ['1']
    case 'iso4217':
      return ['EUR']
    case 'jwt':
      return [tokenText(origin.seed)]
    case 'crontab':
      return ['0 4 * * *']
    default:
      return []
  }
}

function byName(origin: Origin, name: string): readonly string[] {
  if (/^region(Id)?$/.test(name)) return ['eu01']
  if (/^(rfc|valid|created|updated|expires|.*(At|Date|Time|Until|Started|Finished|_at|_time))$/.test(name))
    return [new Date(origin.time).toISOString()]
  if (/(url|uri)$/i.test(name)) return [`https://${host(origin, name)}/`]
  if (/(host|fqdn|domain|dnsName)$/i.test(name)) return [host(origin, name)]
  if (/(email|mail)$/i.test(name)) return ['jane@example.org']
  if (/(password|secret|token|accessKey|content)$/i.test(name)) return [hex(origin.seed, 32)]
  if (/^(ip|.*(Address|Ip|IP))$/.test(name)) return [address(origin)]
  if (/(^id|Id|ID|_id|guid|Guid|Ref)$/.test(name)) return [uuid(origin.seed)]
  if (/^(message|msg|description|comment)$/.test(name)) return ['This is a sample']
  if (STATE_NAMES.test(name)) return ['active']
  if (/version$/i.test(name)) return ['1.0.0']
  return [`${name === '' ? 'sample' : kebab(name)}-${hex(origin.seed, 6)}`]
}

function byPattern(origin: Origin): readonly string[] {
  const { seed } = origin
  return [
    `s-${hex(seed, 6)}`,
    'sample',
    uuid(seed),
    'eu01',
    'Sample',
    '1.31.4',
    'v4.18.0',
    '10s',
    '1h',
    address(origin),
    '192.0.2.0/24',
    '2001:db8:0:0:0:0:0:1',
    '2001:db8::/64',
    'https://example.org/',
    'jane@example.org',
    '0 4 * * *',
    `req-${hex(seed, 32)}`,
    hex(seed, 32),
    hex(seed, 40),
    hex(seed, 64),
    pairs(seed, 6),
    pairs(seed, 16),
    `ssh-ed25519 ${hex(seed, 44)}`,
    'registry.example.org/sample:1.0.0',
    tokenText(seed),
    '65000:100',
    `model-experiments-${hex(seed, 8)}`,
    'MODE_ENABLED',
    'TYPE_OWASP_CRS',
    'CRITICAL',
  ]
}

export function hex(seed: string, digits: number): string {
  let text = ''
  for (let round = 0; text.length < digits; round += 1)
    text += createHash('sha256')
      .update(`${seed} ${String(round)}`)
      .digest('hex')
  return text.slice(0, digits)
}

/** A version 4 UUID. */
export function uuid(seed: string): string {
  const digits = hex(`${seed} uuid`, 32)
  return `${digits.slice(0, 8)}-${digits.slice(8, 12)}-4${digits.slice(13, 16)}-a${digits.slice(17, 20)}-${digits.slice(20)}`
}

/** In the form of a signed token; nobody signed it. */
function tokenText(seed: string): string {
  const part = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url')
  return `${part({ alg: 'RS256', typ: 'JWT' })}.${part({ jti: hex(seed, 8) })}.${hex(seed, 43)}`
}

function number(seed: string): number {
  return parseInt(hex(seed, 8), 16)
}

/** Of a block that is set aside for tests. */
function address(origin: Origin): string {
  const value = number(origin.seed)
  return `198.${String(18 + (value & 1))}.${String((value >>> 1) & 255)}.${String(1 + ((value >>> 9) % 254))}`
}

function host(origin: Origin, name: string): string {
  return `${name === '' ? 'host' : kebab(name)}-${hex(origin.seed, 6)}.example.org`
}

function pairs(seed: string, count: number): string {
  return (hex(seed, 2 * count).match(/../g) ?? []).join(':')
}

function kebab(name: string): string {
  return name
    .replace(/([a-z\d])([A-Z])/g, '$1-$2')
    .replace(/[^A-Za-z\d]+/g, '-')
    .replace(/^-+|-+$/g, '')
    .toLowerCase()
}

export function singular(name: string): string {
  if (name.endsWith('ies')) return name.replace(/ies$/, 'y')
  if (/(ss|ch|x)es$/.test(name)) return name.replace(/es$/, '')
  return name.replace(/s$/, '')
}
