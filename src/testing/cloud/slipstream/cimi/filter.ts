import { CimiFailure } from './failure.js'
import { readGeography, type GeographicRelation } from './geography.js'
import type { Fields } from './json.js'
import { compareValues, instantOf, textOf, valuesAt } from './values.js'

/** Which documents are meant. */
export type Predicate = (document: Fields) => boolean

/** What of the grammar a server knows beyond what all of them do (slipstream dossier 3.4, Appendix N). */
export interface FilterFeatures {
  /** `attr=['a','b']` */
  readonly lists: boolean
  /** `attr intersects 'POINT(6.1 46.2)'` */
  readonly geography: boolean
  /** `property['name']='value'` */
  readonly properties: boolean
}

interface Literal {
  readonly kind: 'number' | 'date' | 'string' | 'boolean' | 'null'
  readonly text: string
}

type Operator = '=' | '!=' | '<' | '<=' | '>' | '>=' | '^=' | '=='

const OPERATORS: readonly Operator[] = ['!=', '<=', '>=', '^=', '==', '=', '<', '>']
const RELATIONS: readonly GeographicRelation[] = ['intersects', 'disjoint', 'within', 'contains']
const MIRRORED: Readonly<Record<string, Operator>> = { '<': '>', '<=': '>=', '>': '<', '>=': '<=' }
const TERM = '[A-Za-z][A-Za-z0-9_-]*'
const NAME = new RegExp(`${TERM}(?::${TERM})?`, 'y')
const DATE = /\d{4}-\d{2}-\d{2}(?:T\d{2}:\d{2}:\d{2}(?:\.\d+)?(?:Z|[+-]\d{2}:\d{2}))?/y
const DIGITS = /\d+/y
const WORD = /(?:true|false|null)/y
const SPACE = /\s*/y

/** Deep enough for everybody who means it. */
const MAX_DEPTH = 100

/** Reads a filter; throws a 400 for what is none. */
export function parseFilter(text: string, features: FilterFeatures): Predicate {
  let at = 0

  const fail = (): never => {
    throw new CimiFailure(400, `Invalid CIMI filter. Parse error at column ${at + 1}: ${text.slice(0, 200)}`)
  }
  const match = (pattern: RegExp): string | undefined => {
    pattern.lastIndex = at
    const found = pattern.exec(text)?.[0]
    if (found !== undefined) at += found.length
    return found
  }
  const skip = (): void => {
    match(SPACE)
  }
  const take = (token: string): boolean => {
    skip()
    if (!text.startsWith(token, at)) return false
    at += token.length
    return true
  }
  const string = (): string | undefined => {
    const quote = text.charAt(at)
    if (quote !== "'" && quote !== '"') return undefined
    let value = ''
    for (at += 1; at < text.length; at += 1) {
      const letter = text.charAt(at)
      if (letter === quote) {
        at += 1
        return value
      }
      if (letter === '\\') at += 1
      value += text.charAt(at)
    }
    return fail()
  }
  const literal = (): Literal | undefined => {
    skip()
    const quoted = string()
    if (quoted !== undefined) return { kind: 'string', text: quoted }
    const date = match(DATE)
    if (date !== undefined) return { kind: 'date', text: date }
    const digits = match(DIGITS)
    if (digits !== undefined) return { kind: 'number', text: digits }
    const word = match(WORD)
    if (word !== undefined) return { kind: word === 'null' ? 'null' : 'boolean', text: word }
    return undefined
  }
  const attribute = (): readonly string[] => {
    const path: string[] = []
    do {
      skip()
      path.push(match(NAME) ?? fail())
    } while (take('/'))
    return path
  }
  const operator = (): Operator => {
    skip()
    const found = OPERATORS.find((candidate) => text.startsWith(candidate, at)) ?? fail()
    at += found.length
    return found
  }
  const property = (): Predicate => {
    skip()
    const name = string() ?? fail()
    if (!take(']')) fail()
    const sign = operator()
    const value = literal()
    if (sign !== '=' && sign !== '!=') return fail()
    if (value?.kind !== 'string' && value?.kind !== 'null') return fail()
    return comparison(['properties', name], sign, value)
  }
  const list = (path: readonly string[], sign: Operator): Predicate => {
    if (sign !== '=' && sign !== '!=') return fail()
    const options: Predicate[] = []
    do {
      const value = literal()
      if (value === undefined || value.kind === 'null') return fail()
      options.push(comparison(path, '=', value))
    } while (take(','))
    if (!take(']')) fail()
    const any: Predicate = (document) => options.some((option) => option(document))
    return sign === '=' ? any : (document) => !any(document)
  }
  const fitting = (sign: Operator, value: Literal): boolean => {
    if (sign === '=' || sign === '!=') return true
    if (sign === '^=' || sign === '==') return value.kind === 'string'
    return value.kind !== 'boolean' && value.kind !== 'null'
  }
  /** `true`, `false` and `null` may begin a longer name. */
  const startsWithLiteral = (): boolean => {
    const start = at
    const name = match(NAME)
    at = start
    return name === undefined ? /['"\d]/.test(text.charAt(at)) : /^(?:true|false|null)$/.test(name)
  }
  const comparisonAhead = (depth: number): Predicate => {
    if (take('(')) {
      if (depth >= MAX_DEPTH) fail()
      const inner = either(depth + 1)
      if (!take(')')) fail()
      return inner
    }
    skip()
    if (startsWithLiteral()) {
      const value = literal() ?? fail()
      const sign = operator()
      if (sign === '==' || !fitting(sign, value)) fail()
      return comparison(attribute(), MIRRORED[sign] ?? sign, value)
    }
    const path = attribute()
    if (features.properties && path.length === 1 && path[0] === 'property' && take('[')) return property()
    if (features.geography) {
      skip()
      const relation = RELATIONS.find((candidate) => text.startsWith(candidate, at))
      if (relation !== undefined) {
        at += relation.length
        skip()
        const shape = readGeography(string() ?? fail(), relation) ?? fail()
        return (document) => shape(valuesAt(document, path.slice(0, -1)), path.at(-1) ?? '')
      }
    }
    const sign = operator()
    if (features.lists && take('[')) return list(path, sign)
    const value = literal() ?? fail()
    if (!fitting(sign, value)) fail()
    return comparison(path, sign, value)
  }
  const chain = (word: string, next: () => Predicate, join: (parts: readonly Predicate[]) => Predicate) => {
    const first = next()
    const parts = [first]
    while (take(word)) parts.push(next())
    return parts.length === 1 ? first : join(parts)
  }
  const both = (depth: number): Predicate =>
    chain(
      'and',
      () => comparisonAhead(depth),
      (parts) => (document) => parts.every((part) => part(document)),
    )
  const either = (depth: number): Predicate =>
    chain(
      'or',
      () => both(depth),
      (parts) => (document) => parts.some((part) => part(document)),
    )

  const whole = either(0)
  skip()
  return at === text.length ? whole : fail()
}

function comparison(path: readonly string[], sign: Operator, value: Literal): Predicate {
  if (value.kind === 'null') {
    return sign === '='
      ? (document) => valuesAt(document, path).length === 0
      : (document) => valuesAt(document, path).length > 0
  }
  const test = testOf(sign, value.text)
  // A document without the attribute is not equal to anything.
  return sign === '!='
    ? (document) => !valuesAt(document, path).some(test)
    : (document) => valuesAt(document, path).some(test)
}

function testOf(sign: Operator, text: string): (actual: unknown) => boolean {
  switch (sign) {
    case '=':
    case '!=':
      return (actual) => equals(actual, text)
    case '<':
      return (actual) => compareValues(actual, text) < 0
    case '<=':
      return (actual) => compareValues(actual, text) <= 0
    case '>':
      return (actual) => compareValues(actual, text) > 0
    case '>=':
      return (actual) => compareValues(actual, text) >= 0
    case '^=':
      return (actual) => typeof actual === 'string' && actual.startsWith(text)
    case '==': {
      // unverified: any of the words, whole and in any case; `*` at the end stands for the rest of a word.
      const wanted = wordsOf(text)
      return (actual) => {
        const words = wordsOf(textOf(actual) ?? '')
        return wanted.some((want) =>
          words.some((word) => (want.endsWith('*') ? word.startsWith(want.slice(0, -1)) : word === want)),
        )
      }
    }
  }
}

function equals(actual: unknown, text: string): boolean {
  if (typeof actual === 'number') return text !== '' && actual === Number(text)
  const time = instantOf(text)
  if (time !== undefined && instantOf(actual) === time) return true
  return textOf(actual) === text
}

function wordsOf(text: string): readonly string[] {
  return text.toLowerCase().match(/[\p{L}\p{N}_]+\*?/gu) ?? []
}
