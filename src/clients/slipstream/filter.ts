const content: unique symbol = Symbol('filter')

/** A filter that was built; `filter` shows it as text. */
export interface FilterExpression {
  readonly [content]: {
    readonly text: string
    /** What joins its parts outermost; it decides about parentheses. */
    readonly joinedBy: 'or' | 'and' | undefined
  }
}

/** What has an order. Numbers are whole and not negative: the grammar has no others. */
export type FilterOrdinal = string | number | Date
/** What an attribute is compared with. */
export type FilterValue = FilterOrdinal | boolean | null

/**
 * The text of an expression, as it goes over the wire (slipstream dossier 3.4).
 *
 * @example
 * filter(and(eq('state', 'Ready'), gt('created', new Date(0)))) // state='Ready' and created>1970-01-01T00:00:00.000Z
 */
export function filter(expression: FilterExpression): string {
  return contentOf(expression, 'expression').text
}

/** A filter in the words of the grammar, as it stands. It is not checked; joined with others, it gets parentheses. */
export function raw(text: string): FilterExpression {
  if (typeof text !== 'string' || text.trim() === '') {
    throw new TypeError('text: expected a filter that is not empty')
  }
  return expressionOf(text, 'or')
}

/** Equal; with `null`, missing. */
export function eq(attribute: string, value: FilterValue): FilterExpression {
  return compare(attribute, '=', valueText(value))
}
/** Not equal; with `null`, present. */
export function ne(attribute: string, value: FilterValue): FilterExpression {
  return compare(attribute, '!=', valueText(value))
}
export function lt(attribute: string, value: FilterOrdinal): FilterExpression {
  return compare(attribute, '<', ordinalText(value))
}
export function le(attribute: string, value: FilterOrdinal): FilterExpression {
  return compare(attribute, '<=', ordinalText(value))
}
export function gt(attribute: string, value: FilterOrdinal): FilterExpression {
  return compare(attribute, '>', ordinalText(value))
}
export function ge(attribute: string, value: FilterOrdinal): FilterExpression {
  return compare(attribute, '>=', ordinalText(value))
}
export function startsWith(attribute: string, beginning: string): FilterExpression {
  return compare(attribute, '^=', quoted(beginning, 'beginning'))
}
/** Full-text search in the attribute. */
export function matches(attribute: string, words: string): FilterExpression {
  return compare(attribute, '==', quoted(words, 'words'))
}
export function present(attribute: string): FilterExpression {
  return ne(attribute, null)
}
export function missing(attribute: string): FilterExpression {
  return eq(attribute, null)
}
/** Compares an entry of `properties`; SlipStream only. `null` means missing. */
export function property(name: string, value: string | null, relation: '=' | '!=' = '='): FilterExpression {
  if (!['=', '!='].includes(relation)) throw new TypeError("relation: expected '=' or '!='")
  const text = value === null ? 'null' : quoted(value, 'value')
  return expressionOf(`property[${quoted(name, 'name')}]${relation}${text}`)
}
/** Equal to one of the values; Nuvla only. */
export function oneOf(attribute: string, values: readonly (FilterOrdinal | boolean)[]): FilterExpression {
  if (!Array.isArray(values) || values.length === 0) {
    throw new TypeError('values: expected a list of at least one value')
  }
  const texts = values.map((value: FilterOrdinal | boolean) =>
    typeof value === 'boolean' ? String(value) : ordinalText(value),
  )
  return compare(attribute, '=', `[${texts.join(',')}]`)
}
/** Shares a point with the shape, which is well-known text: `'POINT(6.1 46.2)'`; Nuvla only. */
export function intersects(attribute: string, shape: string): FilterExpression {
  return compare(attribute, ' intersects ', quoted(shape, 'shape'))
}
/** Shares no point with the shape; Nuvla only. */
export function disjoint(attribute: string, shape: string): FilterExpression {
  return compare(attribute, ' disjoint ', quoted(shape, 'shape'))
}
/** Lies within the shape; Nuvla only. */
export function within(attribute: string, shape: string): FilterExpression {
  return compare(attribute, ' within ', quoted(shape, 'shape'))
}
/** Contains the shape; Nuvla only. */
export function contains(attribute: string, shape: string): FilterExpression {
  return compare(attribute, ' contains ', quoted(shape, 'shape'))
}

/** All of them. */
export function and(...expressions: readonly FilterExpression[]): FilterExpression {
  return join('and', expressions)
}
/** At least one of them. */
export function or(...expressions: readonly FilterExpression[]): FilterExpression {
  return join('or', expressions)
}

function join(word: 'and' | 'or', expressions: readonly FilterExpression[]): FilterExpression {
  const [first, ...others] = expressions
  if (first === undefined) throw new TypeError(`expressions: ${word}() needs at least one`)
  if (others.length === 0) return expressionOf(contentOf(first, 'expressions').text, first[content].joinedBy)
  const texts = expressions.map((expression) => {
    const { text, joinedBy } = contentOf(expression, 'expressions')
    // `and` binds tighter than `or`.
    return word === 'and' && joinedBy === 'or' ? `(${text})` : text
  })
  return expressionOf(texts.join(` ${word} `), word)
}

function compare(attribute: string, relation: string, value: string): FilterExpression {
  return expressionOf(attributeText(attribute) + relation + value)
}

function expressionOf(text: string, joinedBy?: 'or' | 'and'): FilterExpression {
  return Object.freeze({ [content]: { text, joinedBy } })
}

function contentOf(expression: FilterExpression, argument: string): FilterExpression[typeof content] {
  const found = (expression as Partial<FilterExpression> | null | undefined)?.[content]
  if (found === undefined) throw new TypeError(`${argument}: expected a filter expression, such as eq(…)`)
  return found
}

const name = '[A-Za-z][A-Za-z0-9_-]*(?::[A-Za-z][A-Za-z0-9_-]*)?'
const attributeForm = new RegExp(`^${name}(?:/${name})*$`)
/** Where a value may stand as well, they are values. */
const words = ['true', 'false', 'null']

function attributeText(attribute: string): string {
  if (typeof attribute !== 'string' || !attributeForm.test(attribute) || words.includes(attribute)) {
    throw new TypeError(
      "attribute: expected names of letters, digits, '_' and '-', such as 'state', 'content/resource/href' or 'a:b'",
    )
  }
  return attribute
}

function valueText(value: FilterValue): string {
  return typeof value === 'boolean' || value === null ? String(value) : ordinalText(value)
}

function ordinalText(value: unknown): string {
  if (typeof value === 'string') return quoted(value, 'value')
  if (typeof value === 'number') {
    if (Number.isSafeInteger(value) && value >= 0) return String(value)
    throw new TypeError('value: expected a whole number that is not negative')
  }
  if (value instanceof Date) return dateText(value)
  throw new TypeError(
    'value: expected a text, a number or a Date, or where equality is asked a boolean or null',
  )
}

function dateText(date: Date): string {
  const text = Number.isNaN(date.getTime()) ? '' : date.toISOString()
  if (/^\d{4}-/.test(text)) return text
  throw new TypeError('value: expected a valid Date of a year of four digits')
}

function quoted(text: unknown, argument: string): string {
  // Half of a surrogate pair would arrive as another character.
  if (typeof text !== 'string' || /\p{Surrogate}/u.test(text)) {
    throw new TypeError(`${argument}: expected a text`)
  }
  return `'${text.replaceAll(/[\\']/g, String.raw`\$&`)}'`
}
