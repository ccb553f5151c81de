import {
  assert,
  array,
  boolean,
  constant,
  constantFrom,
  date,
  letrec,
  nat,
  oneof,
  property as forAll,
  record,
  string,
  tuple,
  type Arbitrary,
} from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  and,
  contains,
  disjoint,
  eq,
  filter,
  ge,
  gt,
  intersects,
  le,
  lt,
  matches,
  missing,
  ne,
  oneOf,
  or,
  present,
  property,
  raw,
  startsWith,
  within,
  type FilterExpression,
} from '../../../src/clients/slipstream/filter.js'
import { readFilter, type FilterTree } from './filter-grammar.js'

describe('the text of a filter', () => {
  const rows: [string, FilterExpression][] = [
    ["state='Ready'", eq('state', 'Ready')],
    ['count!=3', ne('count', 3)],
    ['exists=true', eq('exists', true)],
    ['cpu<4', lt('cpu', 4)],
    ['cpu<=4', le('cpu', 4)],
    ['cpu>0', gt('cpu', 0)],
    ["name>='m'", ge('name', 'm')],
    ["type^='cloud-cred'", startsWith('type', 'cloud-cred')],
    ["description=='big disk'", matches('description', 'big disk')],
    ['endTime!=null', present('endTime')],
    ['endTime=null', missing('endTime')],
    ["property['a b']='c'", property('a b', 'c')],
    ["property['a']!=null", property('a', null, '!=')],
    ["content/resource/href='run/1'", eq('content/resource/href', 'run/1')],
    ['resource:vcpu/a-b_c>2', gt('resource:vcpu/a-b_c', 2)],
    ['created>2019-03-29T10:00:00.123Z', gt('created', new Date('2019-03-29T10:00:00.123Z'))],
    ["state=['STARTED','ERROR',3,true]", oneOf('state', ['STARTED', 'ERROR', 3, true])],
    ["location intersects 'POINT(6 46)'", intersects('location', 'POINT(6 46)')],
    ["location disjoint 'POINT(6 46)'", disjoint('location', 'POINT(6 46)')],
    ["location within 'POINT(6 46)'", within('location', 'POINT(6 46)')],
    ["location contains 'POINT(6 46)'", contains('location', 'POINT(6 46)')],
    [String.raw`name='it\'s \\ "here"'`, eq('name', String.raw`it's \ "here"`)],
    ["a='1' and b='2' and c='3'", and(eq('a', '1'), eq('b', '2'), eq('c', '3'))],
    ["(a='1' or b='2') and c='3'", and(or(eq('a', '1'), eq('b', '2')), eq('c', '3'))],
    ["a='1' and b='2' or c='3'", or(and(eq('a', '1'), eq('b', '2')), eq('c', '3'))],
    ["(a='1' or b='2') and c='3'", and(and(or(eq('a', '1'), eq('b', '2'))), eq('c', '3'))],
    ["(x=1 or y=2) and a='1'", and(raw('x=1 or y=2'), eq('a', '1'))],
    ['x=1 or y=2', raw('x=1 or y=2')],
  ]
  it.each(rows)('%s', (text, expression) => {
    expect(filter(expression)).toBe(text)
  })

  const wrong: [string, () => unknown, RegExp][] = [
    ['an attribute with a blank', () => eq('a b', 1), /^attribute:/],
    ['an attribute that begins with a digit', () => eq('1a', 1), /^attribute:/],
    ['an attribute with two colons', () => eq('a:b:c', 1), /^attribute:/],
    ['an attribute with an empty part', () => eq('a//b', 1), /^attribute:/],
    ['an attribute that is a filter', () => eq("a='1' or b", 1), /^attribute:/],
    ['an attribute that is a value', () => eq('null', 1), /^attribute:/],
    ['a broken number', () => eq('a', 1.5), /whole number/],
    ['a negative number', () => gt('a', -1), /whole number/],
    ['a number that is none', () => lt('a', Number.NaN), /whole number/],
    ['a number beyond what is exact', () => lt('a', 2 ** 60), /whole number/],
    ['an invalid date', () => gt('a', new Date(Number.NaN)), /valid Date/],
    ['a date of a far year', () => gt('a', new Date(8.64e15)), /valid Date/],
    ['null where order is asked', () => gt('a', null as never), /^value:/],
    ['a boolean where order is asked', () => gt('a', true as never), /^value:/],
    ['nothing', () => eq('a', undefined as never), /^value:/],
    ['half a character', () => eq('a', '\ud800'), /^value:/],
    ['no beginning', () => startsWith('a', 1 as never), /^beginning:/],
    ['an empty list', () => oneOf('a', []), /^values:/],
    ['no expression', () => and(), /^expressions:/],
    ['a text in place of an expression', () => or(eq('a', 1), 'b=2' as never), /^expressions:/],
    ['another relation of a property', () => property('a', 'b', '<' as never), /^relation:/],
    ['an empty text', () => raw(' '), /^text:/],
  ]
  it.each(wrong)('is not made of %s', (_, make, message) => {
    expect(make).toThrow(TypeError)
    expect(make).toThrow(message)
  })
})

describe('what a server reads', () => {
  const attribute = oneof(
    constantFrom('state', 'content/resource/href', 'a:b', 'x-y_z/c:d', 'or', 'and', 'property'),
  )
  const value = oneof(
    string({ unit: 'binary' }),
    constantFrom("'", '\\', "\\'", "') or ('a'='a", '"', '\n', 'null', '2019-01-01'),
    nat(),
    boolean(),
    constant(null),
    date({ min: new Date('1970-01-01'), max: new Date('9999-12-31'), noInvalidDate: true }),
  )
  interface Case {
    readonly expression: FilterExpression
    readonly tree: FilterTree
  }
  const comparison: Arbitrary<Case> = tuple(attribute, value, boolean()).map(([name, against, equal]) => ({
    expression: (equal ? eq : ne)(name, against),
    tree: { attribute: name, relation: equal ? '=' : '!=', value: against },
  }))
  const { tree: cases } = letrec<{ tree: Case; leaf: Case }>((tie) => ({
    leaf: comparison,
    tree: oneof(
      { maxDepth: 4 },
      tie('leaf'),
      record({
        word: constantFrom('and', 'or'),
        parts: array(tie('tree'), { minLength: 2, maxLength: 3 }),
      }).map(({ word, parts }): Case => ({
        expression: (word === 'and' ? and : or)(...parts.map(({ expression }) => expression)),
        tree: { word, parts: parts.map(({ tree }) => tree) },
      })),
    ),
  }))

  it('is what was meant, whatever stands in the values', () => {
    assert(
      forAll(cases, ({ expression, tree }) => {
        expect(readFilter(filter(expression))).toEqual(flat(tree))
      }),
    )
  })

  it('is found out by the test if parentheses are left out', () => {
    const meant = { word: 'and', parts: [{ word: 'or', parts: [one('a'), one('b')] }, one('c')] } as const
    expect(readFilter("(a='1' or b='1') and c='1'")).toEqual(meant)
    expect(readFilter("a='1' or b='1' and c='1'")).not.toEqual(meant)
  })

  const one = (name: string): FilterTree => ({ attribute: name, relation: '=', value: '1' })

  /** `and` within `and` is the same as one `and`; so is `or`. */
  function flat(tree: FilterTree): FilterTree {
    if (!('word' in tree)) return tree
    const parts = tree.parts.map(flat)
    return {
      word: tree.word,
      parts: parts.flatMap((part) => ('word' in part && part.word === tree.word ? part.parts : [part])),
    }
  }
})
