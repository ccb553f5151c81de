import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { DecodeContext } from '../../src/http/types.js'
import {
  escapeAttribute,
  escapeText,
  isXmlText,
  xmlElement,
  xmlText,
  type XmlPart,
  type XmlTree,
} from '../../src/http/xml-text.js'
import { xml } from '../../src/http/xml.js'
import { operationOf, responseOf } from './requests.js'

const context: DecodeContext = {
  operation: operationOf(),
  cloud: 'slipstream',
  watched: false,
  now: () => 0,
  drift: () => undefined,
}
const parse = (document: string) => xml(responseOf(200, document), context).root

/** The tree as plain data. */
function plain(part: XmlPart | null): unknown {
  if (part === null || !('children' in part)) return part === null || !('text' in part) ? null : part.text
  return [part.name, { ...part.attributes }, part.children.map(plain)]
}

const words = fc.oneof(
  fc.string({ unit: 'binary' }).filter(isXmlText),
  fc.constantFrom(']]>', '<![CDATA[', '&amp;', '"\'', '\r\n\t ', '<!DOCTYPE a>', '-->', '🌩'),
)
const names = fc.constantFrom('a', 'value', 'order_', 'ns:b', 'ü-1.2')
const { tree } = fc.letrec<{ tree: XmlTree; part: XmlPart }>((tie) => ({
  tree: fc.record({
    name: names,
    attributes: fc.dictionary(names, words),
    children: fc.array(tie('part'), { maxLength: 4 }).map(joinTexts),
  }),
  part: fc.oneof(
    { depthSize: 'small' },
    words.map((text) => ({ text })),
    tie('tree'),
  ),
}))

/** As a parser gives them: no empty text, and none beside another. */
function joinTexts(parts: readonly XmlPart[]): readonly XmlPart[] {
  const joined: XmlPart[] = []
  for (const part of parts) {
    const last = joined.at(-1)
    if ('children' in part || !('text' in part)) joined.push(part)
    else if (last !== undefined && !('children' in last) && 'text' in last) {
      joined[joined.length - 1] = { text: last.text + part.text }
    } else if (part.text !== '') joined.push(part)
  }
  return joined
}

describe('xmlText', () => {
  it('writes what is read as the same tree again', () => {
    fc.assert(
      fc.property(tree, (root) => {
        expect(plain(parse(xmlText(root)))).toEqual(plain(root))
      }),
    )
  })

  it('writes a document that was read, and once more, without a change', () => {
    const document = `<?xml version="1.0" encoding="UTF-8"?>\n<a b="x&#10;&#13;&#9;y" c="'&quot;"> <b>1 &lt; 2</b>\n<c/></a>`
    expect(xmlText(parse(document)!)).toBe(document)
  })

  it('writes CDATA as text, and leaves out comments and processing instructions', () => {
    const root = parse('<a><!-- x --><?php echo ?><b><![CDATA[1 < 2 && ]]]]><![CDATA[>]]></b></a>')!
    expect(xmlText(root)).toBe(
      '<?xml version="1.0" encoding="UTF-8"?>\n<a><b>1 &lt; 2 &amp;&amp; ]]&gt;</b></a>',
    )
  })

  it('builds elements: attributes without a value are left out', () => {
    const root = xmlElement('a', { b: '1', c: undefined, d: '' }, [xmlElement('e'), { text: '<' }])
    expect(xmlText(root)).toBe('<?xml version="1.0" encoding="UTF-8"?>\n<a b="1" d=""><e/>&lt;</a>')
  })

  it.each([
    ['a control character', '\u0001'],
    ['a zero', '\0'],
    ['half a pair', '\ud83c'],
    ['no character', '\uffff'],
  ])('refuses %s, naming the place but not the text', (_what, character) => {
    const secret = `hunter2${character}`
    const inAttribute = () => xmlText(xmlElement('user', { password: secret }))
    const inText = () => xmlText(xmlElement('user', {}, [xmlElement('value', {}, [{ text: secret }])]))
    expect(inAttribute).toThrow(new TypeError('user.password: has a character that XML cannot hold'))
    expect(inText).toThrow(new TypeError('value: has a character that XML cannot hold'))
    expect([isXmlText(secret), isXmlText('hunter2 🌩\t\r\n')]).toEqual([false, true])
  })

  it('escapes text and attributes by their own rules', () => {
    const text = '<a b="c">&\r\n\t'
    expect(escapeText(text)).toBe('&lt;a b="c"&gt;&amp;&#13;\n\t')
    expect(escapeAttribute(text)).toBe('&lt;a b=&quot;c&quot;&gt;&amp;&#13;&#10;&#9;')
  })
})
