import { describe, expect, it } from 'vitest'
import {
  attribute,
  child,
  children,
  commaList,
  entries,
  fields,
  flag,
  Misfit,
  number,
  required,
  strings,
  textOf,
  xmlDocument,
  type XmlElement,
} from '../../../src/clients/slipstream/xml-values.js'
import { ResponseFormatError } from '../../../src/errors.js'
import { operationOf, responseOf } from '../../http/requests.js'

const context = {
  operation: operationOf(),
  cloud: 'slipstream',
  watched: false,
  now: () => 0,
  drift: () => undefined,
} as const
const decode = <T>(body: string, read: (root: XmlElement) => T, roots = ['a']) =>
  xmlDocument(roots, read)(responseOf(200, body), context)
const root = (body: string) => decode(body, (element) => element)

describe('xmlDocument', () => {
  it('reads documents of the kinds it is told', () => {
    expect(decode('<b x="1"/>', (element) => attribute(element, 'x'), ['a', 'b'])).toBe('1')
    expect(() => decode('<c/>', () => 1, ['a', 'b'])).toThrow(ResponseFormatError)
    expect(() => decode('<c/>', () => 1, ['a', 'b'])).toThrow('root: expected a or b, but it is c')
  })

  it('makes a typed error of what is missing, and leaves mistakes in the reader as they are', () => {
    expect(() => decode('<a x=""/>', (element) => required(element, 'x'))).toThrow(ResponseFormatError)
    expect(() => decode('<a/>', (element) => required(element, 'x'))).toThrow('test.things.do')
    expect(() => decode('<a/>', (element) => required(element, 'x'))).toThrow('a.x: missing')
    expect(() =>
      decode('<a/>', () => {
        throw new Misfit('own')
      }),
    ).toThrow(ResponseFormatError)
    expect(() =>
      decode('<a/>', () => {
        throw new RangeError('ours')
      }),
    ).toThrow(RangeError)
  })
})

describe('values of XML', () => {
  it('are found below an element, not deeper', () => {
    const element = root('<a><b>1</b><c><b>2</b></c><b>3</b>text</a>')
    expect(children(element, 'b').map(textOf)).toEqual(['1', '3'])
    expect(textOf(child(element, 'b'))).toBe('1')
    expect([child(element, 'x'), child(undefined, 'b'), children(undefined, 'b')]).toEqual([
      undefined,
      undefined,
      [],
    ])
  })

  it('are unset in all the ways there are', () => {
    const element = root('<a><b/><c></c><d><![CDATA[]]></d><e><![CDATA[x < y]]></e></a>')
    expect(['b', 'c', 'd', 'x', 'e'].map((name) => textOf(child(element, name)))).toEqual([
      undefined,
      undefined,
      undefined,
      undefined,
      'x < y',
    ])
  })

  it('are in maps, by keys in CDATA or not', () => {
    const map = root(
      '<a class="x"><entry><string><![CDATA[ss:state]]></string><p v="1"/></entry><entry><string>b</string><p v="2"/></entry><entry><string>c</string></entry><entry><p/></entry><other/></a>',
    )
    expect([...entries(map, 'p')].map(([key, element]) => [key, attribute(element, 'v')])).toEqual([
      ['ss:state', '1'],
      ['b', '2'],
    ])
    expect(entries(undefined, 'p').size).toBe(0)
  })

  it('are in lists', () => {
    expect(strings(root('<a length="2"><string>x</string><string/></a>'))).toEqual(['x', ''])
    expect(strings(undefined)).toEqual([])
    expect(['a, b,,c', '', undefined].map(commaList)).toEqual([['a', 'b', 'c'], [], []])
  })

  it('are numbers and booleans only if they look so (defect 9 of the reference)', () => {
    expect(['true', 'false', 'TRUE', '', 'yes', undefined].map(flag)).toEqual([
      true,
      false,
      true,
      undefined,
      undefined,
      undefined,
    ])
    expect(['4096.0', '0', '-1', '', '1e3', '0x10', ' 1', 'null', undefined].map(number)).toEqual([
      4096,
      0,
      -1,
      undefined,
      undefined,
      undefined,
      undefined,
      undefined,
      undefined,
    ])
  })

  it('are the fields of an element: converted where it is known how, kept where not', () => {
    const element = root('<a n="1" bad="x" on="false" other="1" constructor="c" __proto__="p"/>')
    const read = fields(element, { n: number, bad: number, on: flag })
    expect(Object.entries(read)).toEqual([
      ['n', 1],
      ['on', false],
      ['other', '1'],
      ['constructor', 'c'],
      ['__proto__', 'p'],
    ])
    expect(Object.getPrototypeOf(read)).toBe(Object.prototype)
  })
})
