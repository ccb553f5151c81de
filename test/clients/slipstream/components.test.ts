import { EMPTY } from 'rxjs'
import { describe, expect, it } from 'vitest'
import { createComponents, type ComponentChanges } from '../../../src/clients/slipstream/components.js'
import {
  ConfigurationError,
  ConflictError,
  NetworkError,
  PermissionError,
  ResponseFormatError,
  ValidationError,
} from '../../../src/errors.js'
import { parseDocument } from './documents.js'
import {
  apiWithoutAnswers,
  ask,
  component,
  document,
  failure,
  project,
  type Routes,
} from './legacy-answers.js'

const PATH = 'examples/images/centos-6'
const GET = `GET /module/${PATH}`
const PUT = `PUT /module/${PATH}`
const made = { status: 200, headers: { location: `/module/${PATH}/1807` } }

function update(changes: ComponentChanges, routes: Routes = {}, path = PATH) {
  return ask({ [GET]: document(component), [PUT]: made, ...routes }, (api) =>
    createComponents(api, () => EMPTY).update(path, changes),
  )
}

/** What was written: the attributes of the root, and the images by cloud. */
function written(changes: ComponentChanges) {
  const { sent } = update(changes)
  const { attributes, children } = parseDocument(sent[1]?.body ?? '')
  const images = children.find((part) => 'children' in part && part.name === 'cloudImageIdentifiers')
  const identifiers = images !== undefined && 'children' in images ? images.children : []
  return {
    ...attributes,
    images: Object.fromEntries(
      identifiers.map((part): string[] =>
        'attributes' in part
          ? [part.attributes['cloudServiceName'] ?? '', part.attributes['cloudImageIdentifier'] ?? '']
          : [],
      ),
    ),
  }
}
const before = { 'exoscale-ch-gva': '8c7e60ae-3a30-4031-a3e6-29832d85d7cb', ec2: 'ami-1' }

describe('components.update', () => {
  it('reads the document, writes it back with the changes, and emits the new version', () => {
    const { lines, sent, values, completed } = update({ description: 'CentOS "6" & more' })
    expect(lines).toEqual([GET, PUT])
    expect(sent[1]?.headers).toMatchObject({ 'content-type': 'application/xml', accept: 'application/xml' })
    expect([values, completed]).toEqual([[{ path: PATH, version: 1807 }], true])
  })

  it('sends the rest back as it was', () => {
    const { sent } = update({ description: 'other' })
    const unchanged = parseDocument(component)
    const now = parseDocument(sent[1]?.body ?? '')
    expect(now.attributes).toEqual({ ...unchanged.attributes, description: 'other' })
    expect(now.children).toEqual(unchanged.children)
  })

  it('takes a made document for as good as a changed one, at an absolute address too', () => {
    const location = `https://cloud.test/module/${PATH}/1`
    const { values } = update({ logoLink: '' }, { [PUT]: { status: 201, headers: { location } } })
    expect(values).toEqual([{ path: PATH, version: 1 }])
  })

  it('changes description and logo alone', () => {
    expect(written({ description: 'new', logoLink: 'https://x/y.svg' })).toMatchObject({
      description: 'new',
      logoLink: 'https://x/y.svg',
      isBase: 'true',
      moduleReferenceUri: '',
      images: before,
    })
  })

  it('puts a reference in place of the images', () => {
    expect(written({ moduleReferenceUri: '/examples/images/base/7/' })).toMatchObject({
      moduleReferenceUri: 'module/examples/images/base/7',
      isBase: 'false',
      images: {},
    })
  })

  it('puts images in place of the reference, and leaves those of other clouds', () => {
    expect(written({ cloudImageIdentifiers: { ec2: 'ami-2', 'new cloud': 'x<y' } })).toMatchObject({
      moduleReferenceUri: '',
      isBase: 'true',
      images: { ...before, ec2: 'ami-2', 'new cloud': 'x<y' },
    })
  })

  it('takes images away', () => {
    expect(
      written({ cloudImageIdentifiers: { ec2: null, 'exoscale-ch-gva': '', none: null } }).images,
    ).toEqual({})
  })

  it('keeps what it is told to keep', () => {
    const keepReferenceAndIdentifiers = true
    expect(written({ moduleReferenceUri: 'module/a', keepReferenceAndIdentifiers })).toMatchObject({
      moduleReferenceUri: 'module/a',
      isBase: 'true',
      images: before,
    })
    const both = {
      moduleReferenceUri: 'a',
      cloudImageIdentifiers: { ec2: null },
      keepReferenceAndIdentifiers,
    }
    expect(written(both)).toMatchObject({
      moduleReferenceUri: 'module/a',
      images: { 'exoscale-ch-gva': before['exoscale-ch-gva'] },
    })
    expect(written({ moduleReferenceUri: '', keepReferenceAndIdentifiers })).toMatchObject({
      moduleReferenceUri: '',
      images: before,
    })
  })

  it('adds images to a document that has no place for them', () => {
    const bare = '<imageModule category="Image" shortName="a" parentUri="module/"/>'
    const { sent } = update({ cloudImageIdentifiers: { c1: 'i' } }, { [GET]: document(bare) })
    expect(sent[1]?.body).toContain(
      '<cloudImageIdentifiers><cloudImageIdentifier cloudServiceName="c1" cloudImageIdentifier="i"/></cloudImageIdentifiers>',
    )
  })

  it('changes an old version into a new one', () => {
    const { lines } = update({ description: 'x' }, { [`${GET}/1800`]: document(component) }, `${PATH}/1800`)
    expect(lines).toEqual([`${GET}/1800`, PUT])
  })

  it.each([
    [400, 'Bad Request', ValidationError],
    [403, 'Forbidden', PermissionError],
    [409, 'Conflict', ConflictError],
  ])('tells of a document that is refused with %i (defect 5 of the reference)', (status, reason, kind) => {
    const { error, values } = update({ description: 'x' }, { [PUT]: failure(status, reason, 'Wrong parent') })
    expect(error).toBeInstanceOf(kind)
    expect(error?.message).toContain('Wrong parent')
    expect(values).toEqual([])
  })

  it('never writes twice: each time would make a version', () => {
    const cut = new NetworkError('the connection was cut', { retryable: false })
    for (const first of [cut, failure(500, 'Error', 'x'), failure(504, 'Timeout', 'x')]) {
      const { lines, error } = update({ description: 'x' }, { [PUT]: [first, made] })
      expect([lines, error?.retryable]).toEqual([[GET, PUT], false])
    }
  })

  it('writes nothing where there is another kind of module', () => {
    const { error, lines } = update({ description: 'x' }, { [GET]: document(project) })
    expect(error).toBeInstanceOf(ConfigurationError)
    expect(error?.message).toBe(
      "slipstream.components.update: path: expected the path of a component, but there is a module of type 'project'",
    )
    expect(lines).toEqual([GET])
  })

  it('is an error if the server does not say where the new version is', () => {
    const { error } = update({ description: 'x' }, { [PUT]: { status: 200 } })
    expect(error).toBeInstanceOf(ResponseFormatError)
    expect(error).toMatchObject({ operation: 'slipstream.components.update', issues: ['location: missing'] })
  })

  it('refuses wrong arguments at once, by name', () => {
    const { update: call } = createComponents(apiWithoutAnswers(), () => EMPTY)
    expect(() => call('', { description: 'x' })).toThrow(/^path: /)
    expect(() => call('a', {})).toThrow(/^changes: expected at least one/)
    expect(() => call('a', { keepReferenceAndIdentifiers: true })).toThrow(/^changes: /)
    expect(() => call('a', { description: 7 as never })).toThrow(/^changes\.description: /)
    expect(() => call('a', { logoLink: '\u0000' })).toThrow(/^changes\.logoLink: /)
    expect(() => call('a', { moduleReferenceUri: 'a//b' })).toThrow(/^changes\.moduleReferenceUri: /)
    expect(() => call('a', { cloudImageIdentifiers: { c1: 7 as never } })).toThrow(
      /^changes\.cloudImageIdentifiers\.c1: /,
    )
    expect(() => call('a', { moduleReferenceUri: 'b', cloudImageIdentifiers: {} })).toThrow(
      /exclude each other/,
    )
  })

  it('leaves the changes it is given as they are', () => {
    const changes = Object.freeze({
      moduleReferenceUri: '/a/',
      cloudImageIdentifiers: Object.freeze({ c1: 'x' }),
      keepReferenceAndIdentifiers: true,
    })
    expect(update(changes).completed).toBe(true)
    expect(changes.moduleReferenceUri).toBe('/a/')
  })

  it('has the build beside it that it is made with', () => {
    const build = () => EMPTY
    expect(createComponents(apiWithoutAnswers(), build).build).toBe(build)
  })
})
