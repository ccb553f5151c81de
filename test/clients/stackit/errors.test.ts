import { describe, expect, it } from 'vitest'
import { stackitErrors } from '../../../src/clients/stackit/errors.js'

/** The shapes of stackit dossier 6, with the words that a person wants to read. */
const shapes: [string, unknown, string | undefined, unknown][] = [
  ['load balancers', { code: 5, message: 'm', details: [{ '@type': 't' }] }, 'm', [{ '@type': 't' }]],
  ['iaas', { code: 404, msg: 'server not found' }, 'server not found', undefined],
  [
    'resource manager',
    { timeStamp: 't', path: '/p', status: 403, error: 'Forbidden', message: 'm' },
    'm',
    undefined,
  ],
  ['dns', { message: 'm', error: 'e' }, 'm', undefined],
  ['model serving', { error: 'e' }, 'e', undefined],
  ['brokers', { error: 'NotFound', description: 'd' }, 'd', undefined],
  ['postgres v3', { code: 400, validation: [{ field: 'name' }] }, undefined, [{ field: 'name' }]],
  ['mongodb', { message: 'm', type: 't', fields: { name: ['too long'] } }, 'm', { name: ['too long'] }],
  [
    'object storage',
    { detail: [{ key: 'k', msg: 'no such bucket' }] },
    'no such bucket',
    [{ key: 'k', msg: 'no such bucket' }],
  ],
  [
    'object storage 422',
    {
      detail: [
        { loc: ['body'], msg: 'a', type: 't' },
        { loc: ['body'], msg: 'b', type: 't' },
      ],
    },
    'a; b',
    [
      { loc: ['body'], msg: 'a', type: 't' },
      { loc: ['body'], msg: 'b', type: 't' },
    ],
  ],
  ['observability', { detail: 'd' }, 'd', undefined],
  ['observability', { message: 'm', errors: ['x'] }, 'm', ['x']],
  ['vpn', { error: { code: 403, status: 'Forbidden', message: 'm', details: [1] } }, 'm', [1]],
  ['sfs', { type: 'about:blank', title: 'ti', error_description: 'd' }, 'd', undefined],
  ['pim', { title: 'ti', status: 400, detail: 'd', errors: [{ pointer: '/a' }] }, 'd', [{ pointer: '/a' }]],
  ['only a title', { title: 'ti' }, 'ti', undefined],
  ['nothing usual', { foo: 'bar' }, undefined, undefined],
  ['empty words', { message: '', msg: 'm' }, 'm', undefined],
  ['null', null, undefined, undefined],
  ['a list', ['x'], undefined, undefined],
]

describe('an error body', () => {
  it.each(shapes)('of %s is understood: %j', (_, body, reason, details) => {
    const fault = stackitErrors.readFault(body)
    expect(fault.reason).toBe(reason)
    expect(fault.details).toEqual(details)
  })

  it('may be text, of which the first line is shown', () => {
    expect(stackitErrors.readFault('Jwt is missing').reason).toBe('Jwt is missing')
    expect(stackitErrors.readFault(`\n<html>\n${'x'.repeat(999)}`).reason).toBe('<html>')
    expect(stackitErrors.readFault('x'.repeat(999)).reason).toHaveLength(200)
    expect(stackitErrors.readFault('').reason).toBe('')
  })
})
