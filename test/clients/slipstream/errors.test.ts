import { describe, expect, it } from 'vitest'
import { errorsOf } from '../../../src/clients/slipstream/errors.js'

const { readFault } = errorsOf({ cloud: 'slipstream' })

describe('the reason of an error', () => {
  const rows: [string, unknown, string | undefined][] = [
    ['CIMI', { status: 404, message: 'event/1 not found', 'resource-id': 'event/1' }, 'event/1 not found'],
    ['CIMI without words', { status: 404 }, undefined],
    [
      'the legacy side, in XML',
      '<error code="409" reason="Conflict" detail="Abort flag raised!" specificationUri="http://x/#sec10.4.10">\nAbort flag raised!\n</error>',
      'Abort flag raised!',
    ],
    [
      'XML with a head and escapes',
      `<?xml version='1.0'?>\n<error detail='it&apos;s &lt;a&gt; &amp; &#34;b&#x22; &unknown;' code='409'/>`,
      `it's <a> & "b" &unknown;`,
    ],
    ['XML whose end is cut off', '<error code="409" detail="a very long sto', 'a very long sto'],
    ['XML without a detail', '<error code="409" reason="Conflict"/>', undefined],
    ['other XML', '<errors detail="no"/>', undefined],
    [
      'the legacy side, in JSON',
      { error: { code: '409', reason: 'Conflict', detail: 'Abort flag raised!' } },
      'Abort flag raised!',
    ],
    ['JSON without a detail', { error: { code: '409', reason: 'Conflict' } }, '409 - Conflict'],
    ['the legacy side, in text', '409 - Conflict\nAbort flag raised!', 'Abort flag raised!'],
    ['a line of text', 'Service Unavailable', 'Service Unavailable'],
    ['a page', '\n<!DOCTYPE html><html><body><h1>502 Bad Gateway</h1></body></html>', undefined],
    ['nothing', undefined, undefined],
    ['a list', [1], undefined],
  ]
  it.each(rows)('of %s', (_, body, reason) => {
    expect(readFault(body).reason).toBe(reason)
  })

  it('is not a book', () => {
    expect(readFault('x'.repeat(10_000)).reason?.length).toBeLessThan(1_000)
  })
})
