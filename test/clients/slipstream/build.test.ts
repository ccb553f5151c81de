import { describe, expect, it } from 'vitest'
import { OperationFailedError } from '../../../src/errors.js'
import { marbles } from '../../../src/testing/marbles.js'
import { clientOf, created, ID, legacyError, POST_RUN, run, RUN, tell, xml } from './run-answers.js'

const every = { interval: 1_000 }
const MODULE = 'GET /module/apps/cluster/app/107'
const images = (cloud: string): string =>
  `<cloudImageIdentifiers><cloudImageIdentifier cloudServiceName="${cloud}" cloudImageIdentifier="image-7"/></cloudImageIdentifiers>`
const moduleDocument = xml(
  `<imageModule category="Image" shortName="app" parentUri="module/apps/cluster" version="107">${images('c1')}</imageModule>`,
)
const kinds = (events: readonly { readonly kind: string; readonly state?: string }[]): readonly string[] =>
  events.map(({ kind, state }) => state ?? kind)

describe('build', () => {
  it('submits, goes on through Ready until Done, and ends with the image', () => {
    const { values, completed, sent } = tell(
      {
        [POST_RUN]: created,
        [RUN]: ['Executing', 'Ready', 'Finalizing', 'Done'].map((state) => run(state)),
        [MODULE]: moduleDocument,
      },
      ({ build }) => build('/images/centos', { cloud: 'c1', ...every }),
    )
    expect(kinds(values)).toEqual(['submitted', 'Executing', 'Ready', 'Finalizing', 'Done', 'done'])
    expect(values.at(-1)).toMatchObject({
      ref: { operation: 'slipstream.components.build', args: { id: ID, until: 'Done' } },
      result: { cloud: 'c1', imageId: 'image-7', deployment: { state: 'Done' } },
    })
    expect(completed).toBe(true)
    expect([sent[0], sent.at(-1)]).toEqual([
      `${POST_RUN} type=Machine&refqname=module%2Fimages%2Fcentos&parameter--cloudservice=c1`,
      MODULE,
    ])
  })

  it('takes the image from the document of the deployment where that has it', () => {
    const { values, sent } = tell(
      { [POST_RUN]: created, [RUN]: run('Done', {}, { rest: `<module>${images('c1')}</module>` }) },
      ({ build }) => build('a'),
    )
    expect(values.at(-1)).toMatchObject({ kind: 'done', result: { cloud: 'c1', imageId: 'image-7' } })
    expect(sent).toHaveLength(2)
  })

  it('is done without the image if nobody tells it', () => {
    const { values, error, completed } = tell(
      { [POST_RUN]: created, [RUN]: run('Done'), [MODULE]: legacyError(403, 'Forbidden', 'x') },
      ({ build }) => build('a'),
    )
    const last = values.at(-1)
    expect(last?.kind === 'done' && 'imageId' in last.result).toBe(false)
    expect([last?.kind, error, completed]).toEqual(['done', undefined, true])
  })

  it.each([
    ['Executing', 'boom'],
    ['Aborted', ''],
    ['Cancelled', ''],
  ])('fails in state %s with abort %j', (state, abort) => {
    const { error, sent } = tell(
      { [POST_RUN]: created, [RUN]: run(state, { 'ss:abort': abort }) },
      ({ build }) => build('a'),
    )
    expect(error).toBeInstanceOf(OperationFailedError)
    expect(error?.message).toMatch(/^slipstream\.components\.build: /)
    expect(sent).toHaveLength(2)
  })

  it('tells why it is refused, and is never sent again', () => {
    const { error, sent } = tell(
      { [POST_RUN]: legacyError(409, 'Conflict', 'This image was already built for cloud: c1') },
      ({ build }) => build('a'),
    )
    expect(error?.message).toContain('This image was already built for cloud: c1')
    expect(sent).toHaveLength(1)
    expect(tell({ [POST_RUN]: { status: 503 } }, ({ build }) => build('a')).sent).toHaveLength(1)
  })

  it(
    'names the argument that is wrong',
    marbles((helpers) => {
      const { build } = clientOf({}, helpers)
      expect(() => build('')).toThrow(/^path: /)
      expect(() => build('a', { cloud: '' })).toThrow(/^cloud: /)
      expect(() => build('a', { interval: -1 })).toThrow(/^interval: /)
    }),
  )
})
