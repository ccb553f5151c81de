import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { buildForm, deployForm, type DeploySpec } from '../../../src/clients/slipstream/deploy-form.js'
import { formBody } from '../../../src/http/codecs.js'

const bodyOf = (path: string, spec?: DeploySpec): unknown => formBody(deployForm(path, spec).fields).body

describe('deployForm', () => {
  it('sends the example of the dossier byte by byte', () => {
    const spec: DeploySpec = {
      cloud: 'exoscale-ch-gva',
      parameters: { wordpress_title: 'Hello' },
      tags: ['t1', 't2'],
      keepRunning: 'always',
      scalable: true,
    }
    expect(bodyOf('apps/WordPress/wordpress', spec)).toBe(
      'parameter--wordpress_title=Hello&parameter--cloudservice=exoscale-ch-gva&refqname=module%2Fapps%2FWordPress%2Fwordpress&tags=t1%2Ct2&keep-running=always&mutable=on&bypass-ssh-check=true',
    )
  })

  it('needs no more than a path', () => {
    expect(bodyOf('a/b')).toBe('refqname=module%2Fa%2Fb&bypass-ssh-check=true')
    expect(bodyOf('a/b', { checkSshKey: true, tags: [], scalable: false })).toBe('refqname=module%2Fa%2Fb')
  })

  it('takes a path in any of its spellings', () => {
    for (const path of ['a/b/7', '/a/b/7/', 'module/a/b/7', '/module/a/b/7']) {
      expect(deployForm(path).fields['refqname']).toBe('module/a/b/7')
    }
  })

  it('addresses the nodes of an application', () => {
    const spec: DeploySpec = {
      cloud: { db: 'c1', web: 'c 2' },
      parameters: { web: { title: 'A & B', debug: true }, db: { size: 3 } },
      multiplicity: { web: 2, db: '1' },
      tolerateFailures: { web: 1 },
    }
    expect(bodyOf('app', spec)).toBe(
      [
        'parameter--node--web--title=A+%26+B',
        'parameter--node--web--debug=true',
        'parameter--node--db--size=3',
        'parameter--node--db--cloudservice=c1',
        'parameter--node--web--cloudservice=c+2',
        'parameter--node--web--multiplicity=2',
        'parameter--node--db--multiplicity=1',
        'parameter--node--web--max-provisioning-failures=1',
        'refqname=module%2Fapp',
        'bypass-ssh-check=true',
      ].join('&'),
    )
  })

  it('leaves the names of fields as they are, and lets the fixed ones win at the place of the first', () => {
    const spec: DeploySpec = {
      fields: { type: 'Run', 'parameter--x': 'raw', extra: '1' },
      parameters: { x: 'parameter', refqname: 'lost', tags: 'kept', mutable: 'true' },
    }
    expect(bodyOf('a', spec)).toBe(
      'type=Run&parameter--x=parameter&extra=1&refqname=module%2Fa&tags=kept&mutable=true&bypass-ssh-check=true',
    )
  })

  it('does not change what it is given (defect 7: the raw parameters of the reference grow)', () => {
    const spec: DeploySpec = Object.freeze({
      fields: Object.freeze({ a: '1' }),
      parameters: Object.freeze({ b: '2' }),
      tags: Object.freeze(['t']),
    })
    deployForm('a', spec)
    expect(spec).toEqual({ fields: { a: '1' }, parameters: { b: '2' }, tags: ['t'] })
  })

  it('knows which values must not be seen', () => {
    const spec: DeploySpec = {
      fields: { 'parameter--api-key': 'raw-secret' },
      parameters: { admin_password: 'flat-secret', title: 'seen', db: { root_password: 'node-secret' } },
    }
    expect(deployForm('a', spec).secrets).toEqual(['raw-secret', 'flat-secret', 'node-secret'])
  })

  it('names the argument that is wrong', () => {
    const wrong: readonly (readonly [string, unknown])[] = [
      ['cloud', 7],
      ['cloud', ['c1']],
      ['cloud.db', { cloud: { db: 7 } }],
      ['parameters', 'x'],
      ['parameters.x', { parameters: { x: null } }],
      ['parameters.x', { parameters: { x: Number.NaN } }],
      ['parameters.db.x', { parameters: { db: { x: ['a'] } } }],
      ['parameters', { parameters: { '': 'x' } }],
      ['multiplicity', 2],
      ['multiplicity.web', { multiplicity: { web: 1.5 } }],
      ['multiplicity.web', { multiplicity: { web: 'two' } }],
      ['tolerateFailures.web', { tolerateFailures: { web: -1 } }],
      ['tags', 7],
      ['tags', { tags: [7] }],
      ['keepRunning', 'sometimes'],
      ['scalable', 'true'],
      ['checkSshKey', 1],
      ['fields.x', { fields: { x: {} } }],
    ]
    for (const [argument, value] of wrong) {
      const spec = typeof value === 'object' && !Array.isArray(value) ? value : { [argument]: value }
      const form = (): unknown => deployForm('a', spec as DeploySpec)
      expect(form, argument).toThrow(TypeError)
      expect(form, argument).toThrow(new RegExp(`^${argument}: `))
    }
    for (const path of ['', '/', 'module/', 7, undefined]) {
      expect(() => deployForm(path as string)).toThrow(/^path: /)
    }
  })

  it('says every value once, in any alphabet', () => {
    const names = fc.stringMatching(/^[a-z][a-z0-9_.]{0,9}$/)
    fc.assert(
      fc.property(fc.dictionary(names, fc.string({ unit: 'grapheme' })), (parameters) => {
        const read = new URLSearchParams(String(bodyOf('a', { parameters, checkSshKey: true })))
        const given = Object.entries(parameters).filter(
          ([name]) => !['type', 'tags', 'mutable'].includes(name),
        )
        expect(given.map(([name]) => read.getAll(`parameter--${name}`))).toEqual(
          given.map(([, value]) => [value]),
        )
      }),
    )
  })
})

describe('buildForm', () => {
  it('is of the type Machine, on the default cloud, with a normalised path (defect 7)', () => {
    expect(formBody(buildForm('/images/centos/12')).body).toBe(
      'type=Machine&refqname=module%2Fimages%2Fcentos%2F12&parameter--cloudservice=default',
    )
    expect(buildForm('module/images/centos', 'c1')).toMatchObject({
      refqname: 'module/images/centos',
      'parameter--cloudservice': 'c1',
    })
    expect(() => buildForm('a', '')).toThrow(/^cloud: /)
    expect(() => buildForm('')).toThrow(/^path: /)
  })
})
