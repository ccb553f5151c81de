import { inspect } from 'node:util'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ResponseFormatError } from '../../src/errors.js'
import type { DecodeContext, HttpResponse } from '../../src/http/types.js'
import { unfitXml, xml } from '../../src/http/xml.js'
import { operationOf, responseOf } from './requests.js'

const context: DecodeContext = {
  operation: operationOf(),
  cloud: 'slipstream',
  watched: false,
  now: () => 0,
  drift: () => undefined,
}
const read = (body: string, headers: HttpResponse['headers'] = {}) =>
  xml(responseOf(200, body, headers), context)
const readBytes = (body: Uint8Array, type = 'application/xml') =>
  xml({ status: 200, headers: { 'content-type': type }, body }, context)

function failureOf(attempt: () => unknown): ResponseFormatError {
  try {
    attempt()
  } catch (error) {
    if (error instanceof ResponseFormatError) return error
    throw error
  }
  throw new Error('expected an error')
}
const issueOf = (attempt: () => unknown) => failureOf(attempt).issues.join()

const utf16 = (text: string, order: 'le' | 'be') => {
  const bytes = Buffer.from(text, 'utf16le')
  return order === 'le' ? bytes : bytes.swap16()
}
const mark = { utf8: [0xef, 0xbb, 0xbf], le: [0xff, 0xfe], be: [0xfe, 0xff] }
const joined = (...parts: readonly (readonly number[] | Uint8Array)[]) =>
  Buffer.concat(parts.map((part) => Buffer.from(part)))

describe('xml', () => {
  it('reads a document', () => {
    const { root } = read('<?xml version="1.0"?><run status="Done"><item>a &amp; b</item></run>')
    expect(root?.name).toBe('run')
    expect(root?.attributes).toEqual({ status: 'Done' })
    expect(root?.text).toBe('a & b')
  })

  it('takes markup in CDATA, comments and attributes for what it is: text', () => {
    const script = '<!DOCTYPE html><html><b'
    const { root } = read(`<a b="x > y" c='"'><!-- <!DOCTYPE <b> --><![CDATA[${script}]]></a>`)
    expect(root?.attributes).toEqual({ b: 'x > y', c: '"' })
    expect(root?.text).toBe(script)
  })

  it.each([
    ['an entity of its own', '<!DOCTYPE a [<!ENTITY x "y">]><a>&x;</a>', 'body has a document type'],
    [
      'a file',
      '<!doctype a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>',
      'body has a document type',
    ],
    [
      'laughs by the billion',
      `<?xml version="1.0"?><!DOCTYPE a [<!ENTITY l "lol"><!ENTITY m "${'&l;'.repeat(10)}">]><a>&m;</a>`,
      'body has a document type',
    ],
    [
      'a document type behind a comment',
      '<!-- x --><!DOCTYPE a SYSTEM "a.dtd"><a/>',
      'body has a document type',
    ],
    ['an unknown entity', '<a>&x;</a>', 'body is not XML: '],
    ['a tag left open', '<a>', 'body ends before its elements do'],
    ['a document cut in a tag', '<runs><item status="Rea', 'body ends before its elements do'],
    ['a document cut in CDATA', '<a><b><![CDATA[ss:sta', 'body ends before its elements do'],
    ['a document cut in a comment', '<a/><!-- end', 'body ends before its elements do'],
    ['a document cut between elements', '<a><b></b>', 'body ends before its elements do'],
    ['nothing', '', 'body is empty'],
    ['white space', ' \n', 'body is not XML: '],
    ['JSON', '{}', 'body is not XML: '],
    ['two roots', '<a/><b/>', 'body is not XML: '],
    ['crossed tags', '<a><b></a></b>', 'body is not XML: '],
    ['an attribute twice', '<a b="1" b="2"/>', 'body is not XML: '],
    ['a control character', '<a>\u0001</a>', 'body is not XML: '],
    ['a zero byte', '<a b="\0"/>', 'body is not XML: '],
    ['a control character by number', '<a>&#1;</a>', 'body is not XML: '],
  ])('refuses %s', (_what, body, issue) => {
    const error = failureOf(() => read(body))
    expect(error.issues.join()).toContain(issue)
    expect(error.message).toContain('test.things.do')
    expect(error).toMatchObject({ operation: 'test.things.do', cloud: 'slipstream', retryable: false })
  })

  it.each([
    ['by its type', '<p>Sign in</p>', { 'content-type': 'text/html; charset=utf-8' }],
    ['by its document type', '<!DOCTYPE html>\n<html><body>Bad gateway<br></body></html>', {}],
    ['by its root', '<HTML>\n<head><title>503</title>', { 'content-type': 'application/xml' }],
    ['as XHTML', '<?xml version="1.0"?>\n<html xmlns="x"><p/></html>', {}],
  ])('tells a page of HTML %s, and shows it', (_how, body, headers) => {
    const error = failureOf(() => read(body, headers))
    expect(error.issues).toEqual(['body is an HTML page'])
    expect(error.excerpt).toBe(body)
  })

  it.each([
    ['elements within elements', '<a>'.repeat(100_000), 'elements deep'],
    ['elements within elements, all closed', '<a>'.repeat(201) + '</a>'.repeat(201), 'elements deep'],
    [
      'attributes',
      `<a ${Array.from({ length: 100_000 }, (_, at) => `a${String(at)}="x"`).join(' ')}/>`,
      'more than 500 attributes',
    ],
    ['elements', `<a>${'<b/>'.repeat(1_000_000)}</a>`, 'more than 1000000 tags'],
    ['attributes of many elements', `<a>${'<b c="" d="" e=""/>'.repeat(250_000)}</a>`, 'more than 1000000'],
    ['processing instructions', `<a>${'<?b?>'.repeat(1_000_000)}</a>`, 'more than 1000000 tags'],
    ['bytes', `<a>${'x'.repeat(2 ** 24)}</a>`, 'more than 16777216 bytes'],
  ])('refuses too many %s, before anything is made of them', (_what, body, issue) => {
    expect(issueOf(() => read(body))).toContain(issue)
  })

  it('reads documents as large as those of clouds, in time that grows with them', () => {
    const entry = '<entry><string><![CDATA[a:b]]></string><p k="a:b" x="&amp;" y="🌩">text &lt;</p></entry>'
    expect(read(`<run>${entry.repeat(9_000)}</run>`).root?.children).toHaveLength(9_000)
    // What would take minutes if each step looked at the rest of the document: no quotes, no ends, one line.
    expect(read(`<a>${'<b></b>'.repeat(100_000)}</a>`).root?.children).toHaveLength(100_000)
    expect(issueOf(() => read(`<a>${'<b c="'.repeat(200_000)}`))).toBe('body ends before its elements do')
    expect(issueOf(() => read('<!--'.repeat(500_000)))).toBe('body ends before its elements do')
  })

  it('reads 200 levels, whatever the stack still holds of the caller', () => {
    expect(read('<a>'.repeat(200) + '</a>'.repeat(200)).root?.name).toBe('a')
  })

  it('shows no secret of a broken document', () => {
    const broken = [
      '<a password="hunter2"><b></a>',
      '<user><parameter name="c1.password"><value>hunter2</value></user>',
      '<user><value><![CDATA[hunter2]]></value>',
      '<user><value><![CDATA[hun<ter2]]></value>',
      '<user><value>hunter2',
      '<user password="hunter2',
    ]
    for (const body of broken) {
      for (const bytes of [Buffer.from(body), joined(mark.le, utf16(body, 'le')), utf16(body, 'be')]) {
        const shown = inspect(failureOf(() => readBytes(bytes)))
        expect(shown).toContain('test.things.do')
        expect(shown).not.toMatch(/h\0?u\0?n\0?t/)
      }
    }
  })

  it('shows no text of a document that the caller finds unfit, but its markup', () => {
    const response = responseOf(200, '<user name="bob"><value>hunter2</value></user>')
    const error = unfitXml(response, context, ['user.email: missing'])
    expect(error.issues).toEqual(['user.email: missing'])
    expect(error.excerpt).toBe('<user name="bob"><value>…</value></user>')
  })

  it('names a fault briefly, however long the name that is wrong', () => {
    const error = failureOf(() => read(`<a><${'b'.repeat(10_000)}></a>`))
    expect(error.message.length).toBeLessThan(400)
  })

  it('has one error for whatever comes', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 60 }),
        fc.constantFrom('', '<a>', '<?xml ', '\ufeff<'),
        (noise, start) => {
          const bytes = joined(Buffer.from(start), noise)
          try {
            expect(readBytes(bytes).root).not.toBeNull()
          } catch (error) {
            expect(error).toBeInstanceOf(ResponseFormatError)
          }
        },
      ),
    )
  })
})

describe('the encoding of XML', () => {
  const text = (bytes: Uint8Array, type?: string) => readBytes(bytes, type).root?.text
  const declared = (encoding: string) => `<?xml version="1.0" encoding="${encoding}"?><a>grüße 🌩</a>`
  const latin = (encoding: string) =>
    Buffer.from(`<?xml version='1.0' encoding='${encoding}'?><a>grüße</a>`, 'latin1')

  it.each([
    ['UTF-8 by default', Buffer.from('<a>grüße 🌩</a>'), 'application/xml'],
    ['UTF-8 as declared', Buffer.from(declared('UTF-8')), 'application/xml; charset=utf-8'],
    ['UTF-8 by its mark', joined(mark.utf8, Buffer.from(declared('utf-8'))), 'application/xml'],
    ['UTF-16 by its mark, little end first', joined(mark.le, utf16('<a>grüße 🌩</a>', 'le')), 'text/xml'],
    ['UTF-16 by its mark, big end first', joined(mark.be, utf16(declared('UTF-16'), 'be')), 'text/xml'],
    ['UTF-16 by its prologue', utf16(declared('UTF-16'), 'be'), 'application/xml'],
    ['UTF-16 by the header', utf16('<a>grüße 🌩</a>', 'le'), 'application/xml; charset="UTF-16"'],
    [
      'UTF-16 as all three say',
      joined(mark.le, utf16(declared('utf-16'), 'le')),
      'text/xml;charset=utf-16le',
    ],
  ])('is %s', (_how, bytes, type) => {
    expect(text(bytes, type)).toBe('grüße 🌩')
  })

  it('is Latin 1 where the prologue or the header says so', () => {
    expect(text(latin('ISO-8859-1'))).toBe('grüße')
    expect(text(Buffer.from('<a>grüße</a>', 'latin1'), 'text/xml; charset=ISO-8859-1')).toBe('grüße')
  })

  it.each([
    ['bytes that UTF-8 does not have', Buffer.from('<a>grüße</a>', 'latin1'), '', 'body is not utf-8'],
    ['Latin 1 that says UTF-8', latin('UTF-8'), '', 'body is not utf-8'],
    ['half a character at the end', Buffer.from('<a>ü</a>ü').subarray(0, -1), '', 'body is not utf-8'],
    ['UTF-16 that says nothing', utf16('<a>grüße</a>', 'le'), '', 'body is not utf-8'],
    ['half a unit of UTF-16', joined(mark.le, utf16('<a/>', 'le'), [1]), '', 'body is not utf-16le'],
    ['half a pair of UTF-16', joined(mark.le, utf16('<a>\ud800</a>', 'le')), '', 'body is not utf-16le'],
    ['UTF-8 that says UTF-16', Buffer.from(declared('UTF-16')), '', 'body is not utf-16'],
    ['UTF-8 that says UTF-16LE', Buffer.from(declared('UTF-16LE')), '', 'body is not utf-16le'],
    ['UTF-16 that says UTF-8', utf16(declared('UTF-8'), 'le'), '', 'body is not utf-8'],
    ['an encoding that nobody knows', latin('x-klingon'), '', 'body has an unknown encoding: x-klingon'],
    ['UTF-7', latin('utf-7'), '', 'body has an unknown encoding: utf-7'],
    [
      'a header and a prologue that differ',
      Buffer.from(declared('UTF-8')),
      'text/xml; charset=ISO-8859-1',
      'body says two encodings: windows-1252 and utf-8',
    ],
    [
      'a mark and a prologue that differ',
      joined(mark.utf8, Buffer.from(declared('iso-8859-1'))),
      '',
      'body says two encodings: utf-8 and windows-1252',
    ],
    [
      'a mark and a header that differ',
      joined(mark.be, utf16(declared('UTF-16'), 'be')),
      'text/xml; charset=utf-8',
      'body says two encodings: utf-16be and utf-8',
    ],
  ])('is not guessed: %s', (_what, bytes, type, issue) => {
    expect(issueOf(() => readBytes(bytes, type))).toBe(issue)
  })

  it('does not matter where all is ASCII', () => {
    const ascii = Buffer.from('<?xml version="1.0" encoding="UTF-8"?><a>x</a>')
    expect(text(ascii, 'text/xml; charset=ISO-8859-1')).toBe('x')
  })
})
