import { lastValueFrom } from 'rxjs'
import { describe, expect, it } from 'vitest'
import { stackitErrors } from '../../../src/clients/stackit/errors.js'
import { NotFoundError } from '../../../src/errors.js'
import { zooClient } from './definition.js'

type Shape = [services: string, body: unknown, reason: string | undefined, code: unknown, details: unknown]

/** One body for each row of stackit dossier 6, with what a person wants to read of it. */
const shapes: Shape[] = [
  ['load balancers', { code: 5, message: 'm', details: [{ '@type': 't' }] }, 'm', 5, [{ '@type': 't' }]],
  ['iaas', { code: 404, msg: 'server not found' }, 'server not found', 404, undefined],
  [
    'the resource manager',
    { timeStamp: 't', path: '/p', status: 403, error: 'Forbidden', message: 'm' },
    'm',
    403,
    undefined,
  ],
  ['cdn and git', { message: 'm', details: [{ key: 'k' }] }, 'm', undefined, [{ key: 'k' }]],
  ['cost', { msg: 'm' }, 'm', undefined, undefined],
  ['dns', { message: 'm', error: 'e' }, 'm', undefined, undefined],
  ['model serving', { error: 'e' }, 'e', undefined, undefined],
  ['brokers', { error: 'NotFound', description: 'd' }, 'd', undefined, undefined],
  ['postgres v3', { code: 409, message: 'm', traceId: 't', type: 'conflict' }, 'm', 409, undefined],
  [
    'postgres v3, of arguments',
    { code: 400, validation: [{ field: 'name', message: 'too long' }, { field: 'x' }] },
    'name: too long',
    400,
    [{ field: 'name', message: 'too long' }, { field: 'x' }],
  ],
  ['mongodb', { message: 'm', type: 't', fields: { name: ['long'] } }, 'm', 't', { name: ['long'] }],
  [
    'object storage',
    { detail: [{ key: 'k', msg: 'no such bucket' }] },
    'no such bucket',
    undefined,
    [{ key: 'k', msg: 'no such bucket' }],
  ],
  [
    'object storage, of arguments',
    {
      detail: [
        { loc: ['body'], msg: 'a', type: 't' },
        { loc: ['body'], msg: 'b', type: 't' },
      ],
    },
    'a; b',
    undefined,
    [
      { loc: ['body'], msg: 'a', type: 't' },
      { loc: ['body'], msg: 'b', type: 't' },
    ],
  ],
  ['observability, forbidden', { detail: 'd' }, 'd', undefined, undefined],
  ['observability', { message: 'm', errors: ['x'] }, 'm', undefined, ['x']],
  ['kms and telemetry', { message: 'm' }, 'm', undefined, undefined],
  ['run command and server backup', { message: 'm', status: 'conflict' }, 'm', 'conflict', undefined],
  ['edge', { code: 'instance_not_found', message: 'm' }, 'm', 'instance_not_found', undefined],
  ['model experiments', { code: 7, message: 'm', status: 's' }, 'm', 7, undefined],
  ['vpn', { error: { code: 403, status: 'Forbidden', message: 'm', details: [1] } }, 'm', 403, [1]],
  [
    'sfs',
    { type: 'about:blank', title: 'ti', error_description: 'd', fields: { a: 1 } },
    'd',
    'about:blank',
    { a: 1 },
  ],
  [
    'pim v3',
    { title: 'ti', status: 400, detail: 'd', instance: '/i', errors: [{ pointer: '/a' }] },
    'd',
    400,
    [{ pointer: '/a' }],
  ],
  ['ske', { anything: { goes: true } }, undefined, undefined, undefined],
  ['logs', 'Jwt is missing', 'Jwt is missing', undefined, undefined],
  ['only a title', { title: 'ti' }, 'ti', undefined, undefined],
  [
    'only a list',
    { errors: [{ detail: 'a' }, { message: 'b' }] },
    'a; b',
    undefined,
    [{ detail: 'a' }, { message: 'b' }],
  ],
  ['empty words', { message: '', msg: 'm', code: '' }, 'm', undefined, undefined],
  ['null', null, undefined, undefined, undefined],
  ['a list', ['x'], undefined, undefined, undefined],
]

describe('an error body', () => {
  it.each(shapes)('of %s is understood: %j', (_, body, reason, code, details) => {
    const fault = stackitErrors.readFault(body)
    expect(fault.reason).toBe(reason)
    expect(fault.code).toBe(code)
    expect(fault.details).toEqual(details)
  })

  it.each<[Record<string, string>, string | undefined]>([
    [{ 'x-trace-id': 't', 'x-request-id': 'r' }, 't'],
    [{ 'x-request-id': 'r' }, 'r'],
    [{}, undefined],
  ])('comes with the name of the request: %j', async (headers, requestId) => {
    const answer = { status: 404, headers, json: { code: 404, msg: 'server not found' } }
    const { cloud } = zooClient({ 'DELETE /v2/keeper': answer })
    const error = await lastValueFrom(cloud.zoo['removeKeeper']!()).catch((thrown: unknown) => thrown)
    expect(error).toBeInstanceOf(NotFoundError)
    expect(error).toMatchObject({ status: 404, reason: 'server not found', faultCode: 404, requestId })
    expect((error as NotFoundError).toJSON()).toMatchObject({ faultCode: 404 })
  })

  it('may be text, of which the first line is shown', () => {
    expect(stackitErrors.readFault('Jwt is missing').reason).toBe('Jwt is missing')
    expect(stackitErrors.readFault(`\n<html>\n${'x'.repeat(999)}`).reason).toBe('<html>')
    expect(stackitErrors.readFault('x'.repeat(999)).reason).toHaveLength(200)
    expect(stackitErrors.readFault('').reason).toBe('')
  })
})
