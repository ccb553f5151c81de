import { inspect } from 'node:util'
import { take } from 'rxjs'
import { describe, expect, it } from 'vitest'
import { createApplications } from '../../../src/clients/slipstream/applications.js'
import { createModules } from '../../../src/clients/slipstream/modules.js'
import { createProjects } from '../../../src/clients/slipstream/projects.js'
import {
  ConfigurationError,
  ConflictError,
  NetworkError,
  NotFoundError,
  PermissionError,
  ResponseFormatError,
  ServerError,
} from '../../../src/errors.js'
import {
  apiWithoutAnswers,
  application,
  appStore,
  ask,
  component,
  document,
  failure,
  project,
} from './legacy-answers.js'

const CENTOS = 'GET /module/examples/images/centos-6'
const cut = new NetworkError('the connection was cut', { retryable: false })

describe('applications', () => {
  it('are listed from the app store', () => {
    const { values, lines, sent, completed } = ask({ 'GET /appstore': document(appStore) }, (api) =>
      createApplications(api).list(),
    )
    expect([lines, completed]).toEqual([['GET /appstore'], true])
    expect(sent[0]?.headers['accept']).toBe('application/xml')
    expect(values).toEqual([
      {
        resourceUri: 'module/apps/WordPress/wordpress/1942',
        name: 'wordpress',
        version: 1942,
        category: 'Image',
        type: 'component',
        path: 'apps/WordPress/wordpress',
        description: 'WordPress server',
        published: true,
        logoLink: 'https://x/wp.svg',
        authz: { owner: 'sixsq', ownerGet: true, groupMembers: [] },
      },
      {
        resourceUri: 'module/apps/cluster/app/107',
        name: 'app',
        version: 107,
        category: 'Deployment',
        type: 'application',
        path: 'apps/cluster/app',
        published: true,
      },
    ])
  })

  it('are none in an empty store', () => {
    const { values, completed } = ask({ 'GET /appstore': document('<list/>') }, (api) =>
      createApplications(api).list(),
    )
    expect([values, completed]).toEqual([[], true])
  })

  it.each([
    [
      'a page of HTML',
      { headers: { 'content-type': 'text/html' }, body: '<html><br></html>' },
      'body is an HTML page',
    ],
    ['a document of another kind', document('<runs/>'), 'root: expected list, but it is runs'],
    [
      'an item without a name',
      document('<list><item category="Image" resourceUri="module/a/1"/></list>'),
      'item.name: missing',
    ],
    [
      'an item without an address',
      document('<list><item category="Image" name="a"/></list>'),
      'item.resourceUri: missing',
    ],
    ['a document that was cut', document(appStore.slice(0, 200)), 'body ends before its elements do'],
    ['bytes of another encoding', document(Buffer.from('<list n="ü"/>', 'latin1')), 'body is not utf-8'],
    ['nothing', document(''), 'body is empty'],
  ])('are a typed error where %s comes', (_what, answer, issue) => {
    const { error, values } = ask({ 'GET /appstore': answer }, (api) => createApplications(api).list())
    expect(error).toBeInstanceOf(ResponseFormatError)
    expect(error).toMatchObject({
      operation: 'slipstream.applications.list',
      cloud: 'slipstream',
      issues: [issue],
    })
    expect(values).toEqual([])
  })
})

describe('projects', () => {
  const nested = {
    'GET /module': document(
      '<list><item resourceUri="module/examples/1792" name="examples" version="1792" category="Project"/><item resourceUri="module/last/3" name="last" category="Image"/></list>',
    ),
    'GET /module/examples': document(project),
    'GET /module/examples/images': document(
      '<projectModule category="Project" parentUri="module/examples" shortName="images" version="1801"><children><item category="Image" name="centos-6" version="1806"/></children></projectModule>',
    ),
    'GET /module/examples/secret': failure(403, 'Forbidden', 'Not allowed'),
  }

  it('are listed from the root', () => {
    const { values, lines } = ask(nested, (api) => createProjects(api).list())
    expect(lines).toEqual(['GET /module'])
    expect(values.map(({ path, type }) => [path, type])).toEqual([
      ['examples', 'project'],
      ['last', 'component'],
    ])
  })

  it('name what is in them by the path of the project', () => {
    const { values } = ask(nested, (api) => createProjects(api).list('/module/examples/'))
    expect(values).toEqual([
      {
        category: 'Project',
        type: 'project',
        name: 'images',
        description: 'Base images',
        version: 1801,
        path: 'examples/images',
        authz: { owner: 'sixsq', groupMembers: [] },
      },
      { category: 'Project', type: 'project', name: 'secret', version: 1802, path: 'examples/secret' },
      { category: 'Deployment', type: 'application', name: 'cluster', version: 12, path: 'examples/cluster' },
    ])
  })

  it('are listed depth first, without those that one may not read', () => {
    const { values, lines, completed } = ask(nested, (api) =>
      createProjects(api).list(undefined, { recurse: true }),
    )
    expect(values.map(({ path }) => path)).toEqual([
      'examples',
      'examples/images',
      'examples/images/centos-6',
      'examples/secret',
      'examples/cluster',
      'last',
    ])
    expect(lines).toEqual(Object.keys(nested))
    expect(completed).toBe(true)
  })

  it('are asked for only when their turn comes', () => {
    const three = ask(nested, (api) => createProjects(api).list('', { recurse: true }).pipe(take(3)))
    expect(three.lines).toEqual(['GET /module', 'GET /module/examples', 'GET /module/examples/images'])
    const one = ask(nested, (api) => createProjects(api).list('module', { recurse: true }).pipe(take(1)))
    expect(one.lines).toEqual(['GET /module'])
  })

  it('emit nothing where the first one may not be read', () => {
    const { values, error, completed } = ask(nested, (api) => createProjects(api).list('examples/secret'))
    expect([values, error, completed]).toEqual([[], undefined, true])
  })

  it('hide no other error, also of a project within', () => {
    const gone = { ...nested, 'GET /module/examples/secret': failure(404, 'Not Found', 'Unknown module') }
    const { values, error } = ask(gone, (api) => createProjects(api).list(undefined, { recurse: true }))
    expect(error).toBeInstanceOf(NotFoundError)
    expect(error?.message).toContain('Unknown module')
    expect(values).toHaveLength(4)
    const anonymous = { 'GET /module': failure(401, 'Unauthorized', 'Sign in') }
    expect(ask(anonymous, (api) => createProjects(api).list()).error?.code).toBe('SKY_HTTP_AUTHENTICATION')
  })

  it('are told from other modules', () => {
    const { error } = ask({ [CENTOS]: document(component) }, (api) =>
      createProjects(api).list('examples/images/centos-6'),
    )
    expect(error).toBeInstanceOf(ConfigurationError)
    expect(error?.message).toBe(
      "slipstream.projects.list: path: expected the path of a project, but there is a module of type 'component'",
    )
  })

  it('refuse an item that would lead elsewhere', () => {
    const evil = document('<list><item resourceUri="module/../user/1" name=".." category="Project"/></list>')
    const { error, lines } = ask({ 'GET /module': evil }, (api) =>
      createProjects(api).list('', { recurse: true }),
    )
    expect(error).toBeInstanceOf(TypeError)
    expect(lines).toEqual(['GET /module'])
  })
})

describe('modules', () => {
  it('are read as components, with numbers and booleans', () => {
    const { values, lines } = ask({ [CENTOS]: document(component) }, (api) =>
      createModules(api).get('examples/images/centos-6'),
    )
    expect(lines).toEqual([CENTOS])
    expect(values).toEqual([
      {
        category: 'Image',
        type: 'component',
        creation: '2013-12-09 11:14:44.749 UTC',
        deleted: false,
        description: 'CentOS 6',
        isBase: true,
        isLatestVersion: true,
        lastModified: '2015-07-02 15:51:57.307 UTC',
        loginUser: 'root',
        platform: 'centos',
        logoLink: 'https://x/c.svg',
        moduleReferenceUri: '',
        parentUri: 'module/examples/images',
        shortName: 'centos-6',
        name: 'centos-6',
        path: 'examples/images/centos-6',
        version: 1806,
        cloudNames: ['default'],
        authz: { owner: 'sixsq', ownerGet: true, groupMembers: [] },
        commit: { author: 'sixsq' },
        published: { publicationDate: '2015-07-02 15:51:57.307 UTC' },
      },
    ])
  })

  it('are read as projects, at the root', () => {
    const { values } = ask({ 'GET /module/examples/1792': document(project) }, (api) =>
      createModules(api).get('examples/1792'),
    )
    expect(values[0]).toMatchObject({
      type: 'project',
      path: 'examples',
      commit: { author: 'sixsq', comment: 'Initial version' },
      cloudNames: ['exoscale-ch-gva', 'default'],
      authz: { owner: 'sixsq', ownerPut: true, groupPut: false, inheritedGroupMembers: true },
    })
    expect(values[0]).not.toHaveProperty('published')
  })

  it('tell what the server says against it', () => {
    const routes = {
      'GET /module/a': failure(404, 'Not Found', 'Unknown module: a'),
      'GET /module/a/1': failure(403, 'Forbidden', 'Module deleted'),
    }
    const latest = ask(routes, (api) => createModules(api).get('a'))
    expect(latest.error).toBeInstanceOf(NotFoundError)
    expect(latest.error?.message).toBe(
      'slipstream.modules.get: GET https://cloud.test/module/a answered 404: Unknown module: a',
    )
    const old = ask(routes, (api) => createModules(api).get('a/1'))
    expect(old.error).toBeInstanceOf(PermissionError)
    expect(old.error?.message).toContain('Module deleted')
  })

  it('have parameters; what is unset is not there', () => {
    const routes = { [CENTOS]: document(component) }
    const { values } = ask(routes, (api) => createModules(api).parameters('examples/images/centos-6'))
    expect(values).toEqual([
      {
        name: 'network',
        category: 'Cloud',
        description: 'Network type',
        isSet: true,
        mandatory: true,
        readonly: false,
        type: 'Enum',
        order: 0,
        order_: 0,
        enumValues: ['Public', 'Private'],
        instructions: 'help',
        value: 'Public',
        defaultValue: 'Public',
      },
      {
        name: 'wordpress_title',
        category: 'Input',
        isSet: false,
        mandatory: false,
        readonly: true,
        type: 'String',
      },
    ])
    const some = ask(routes, (api) =>
      createModules(api).parameters('examples/images/centos-6', { names: ['wordpress_title', 'other'] }),
    )
    expect(some.values.map(({ name }) => name)).toEqual(['wordpress_title'])
    const none = ask(routes, (api) =>
      createModules(api).parameters('examples/images/centos-6', { names: [] }),
    )
    expect(none.values).toEqual([])
  })

  it('have secrets among their parameters, which can be read but are not seen', () => {
    const parameters = ['admin_password" type="String', 'pin" type="Password'].map(
      (name, at) =>
        `<entry><string>p${String(at)}</string><parameter name="${name}"><value>hunter2</value><defaultValue>hunter1</defaultValue></parameter></entry>`,
    )
    const body = `<imageModule category="Image" shortName="a"><parameters>${parameters.join('')}</parameters></imageModule>`
    const { values } = ask({ 'GET /module/a': document(body) }, (api) => createModules(api).parameters('a'))
    expect(values.map(({ name, value, defaultValue }) => [name, value, defaultValue])).toEqual([
      ['admin_password', 'hunter2', 'hunter1'],
      ['pin', 'hunter2', 'hunter1'],
    ])
    expect(inspect(values) + JSON.stringify(values)).not.toContain('hunter')
  })

  it('have nodes, if they are applications', () => {
    const routes = { 'GET /module/examples/cluster': document(application), [CENTOS]: document(component) }
    const { values } = ask(routes, (api) => createModules(api).nodes('examples/cluster'))
    expect(values).toEqual([
      {
        name: 'apache',
        multiplicity: 2,
        maxProvisioningFailures: 0,
        cloudService: 'default',
        imageUri: 'module/examples/tutorials/apache/7',
        path: 'examples/tutorials/apache/7',
        network: 'Public',
        creation: '2015-07-02 15:51:57.307 UTC',
        deleted: false,
      },
      {
        name: 'client',
        multiplicity: 1,
        imageUri: 'module/examples/tutorials/client',
        path: 'examples/tutorials/client',
      },
    ])
    expect(ask(routes, (api) => createModules(api).nodes('examples/images/centos-6')).values).toEqual([])
  })

  it('have images on clouds, if they are components', () => {
    const { values } = ask({ [CENTOS]: document(component) }, (api) =>
      createModules(api).imageIdentifiers('examples/images/centos-6'),
    )
    expect(values).toEqual([
      { cloudServiceName: 'exoscale-ch-gva', cloudImageIdentifier: '8c7e60ae-3a30-4031-a3e6-29832d85d7cb' },
      { cloudServiceName: 'ec2', cloudImageIdentifier: 'ami-1' },
    ])
  })

  it('have versions, asked for with a slash at the end', () => {
    const list = `<versionList><item resourceUri="module/a/b/2" version="2" lastModified="2015-07-02 15:51:57.307 UTC"><commit author="jane"><comment>better</comment></commit></item><item version="1" resourceUri="module/a/b/1"/></versionList>`
    const { values, lines } = ask({ 'GET /module/a/b/': document(list) }, (api) =>
      createModules(api).versions('a/b/2'),
    )
    expect(lines).toEqual(['GET /module/a/b/'])
    expect(values).toEqual([
      {
        resourceUri: 'module/a/b/2',
        path: 'a/b',
        version: 2,
        lastModified: '2015-07-02 15:51:57.307 UTC',
        commit: { author: 'jane', comment: 'better' },
      },
      { resourceUri: 'module/a/b/1', path: 'a/b', version: 1 },
    ])
  })

  it.each([
    ['publish' as const, 'PUT /module/a/b/7/publish', 200],
    ['publish' as const, 'PUT /module/a/b/7/publish', 204],
    ['unpublish' as const, 'DELETE /module/a/b/7/publish', 204],
    ['remove' as const, 'DELETE /module/a/b/7', 204],
  ])('are changed by %s', (verb, line, status) => {
    const { lines, sent, values, completed } = ask({ [line]: { status } }, (api) =>
      createModules(api)[verb]('a/b/7'),
    )
    expect([lines, values, completed]).toEqual([[line], [undefined], true])
    expect(sent[0]).toMatchObject({ body: '', headers: { accept: 'application/xml' } })
  })

  it('are published once', () => {
    const answer = failure(409, 'Conflict', 'Already published')
    const { error } = ask({ 'PUT /module/a/publish': answer }, (api) => createModules(api).publish('a'))
    expect(error).toBeInstanceOf(ConflictError)
    expect(error?.message).toContain('Already published')
  })

  it.each(['publish', 'unpublish', 'remove', 'copy'] as const)(
    'are not changed twice by %s: what became of the first request is unknown',
    (verb) => {
      const routes = {
        'PUT /module/a/publish': [cut, {}],
        'DELETE /module/a/publish': [failure(502, 'Bad Gateway', 'x'), {}],
        'DELETE /module/a': [failure(500, 'Error', 'x'), {}],
        'POST /module/p': [failure(502, 'Bad Gateway', 'x'), {}],
      }
      const { lines, error } = ask<unknown>(routes, (api) =>
        verb === 'copy'
          ? createModules(api).copy('a', { project: 'p', name: 'b' })
          : createModules(api)[verb]('a'),
      )
      expect(lines).toHaveLength(1)
      expect(error?.retryable).toBe(false)
    },
  )

  it('are read again after a failure', () => {
    const { values, lines } = ask(
      { [CENTOS]: [failure(503, 'Maintenance', 'x'), document(component)] },
      (api) => createModules(api).get('examples/images/centos-6'),
    )
    expect([values.length, lines.length]).toEqual([1, 2])
    const stubborn = ask({ [CENTOS]: failure(503, 'Maintenance', 'x') }, (api) =>
      createModules(api).get('examples/images/centos-6', { retry: false }),
    )
    expect([stubborn.error?.constructor, stubborn.lines.length]).toEqual([ServerError, 1])
  })

  it('are copied by a form', () => {
    const answer = { status: 201, headers: { location: 'https://cloud.test/module/my%20project/copy/3' } }
    const { values, sent } = ask({ 'POST /module/my%20project': answer }, (api) =>
      createModules(api).copy('/module/a/b/7', { project: 'my project', name: 'copy' }),
    )
    expect(sent[0]?.body).toBe('source_uri=module%2Fa%2Fb%2F7&target_name=copy')
    expect(sent[0]?.headers).toMatchObject({
      'content-type': 'application/x-www-form-urlencoded',
      accept: 'application/xml',
    })
    expect(values).toEqual([{ path: 'my project/copy', version: 3 }])
    const silent = ask({ 'POST /module/p': { status: 201 } }, (api) =>
      createModules(api).copy('a', { project: '/p/', name: 'copy' }),
    )
    expect(silent.values).toEqual([{ path: 'p/copy' }])
  })

  it('are named in any way: slashes around, module/ in front, names to be encoded', () => {
    const paths = ['a b/ü/7', '/a b/ü/7/', 'module/a b/ü/7', '/module/a b/ü/7']
    for (const path of paths) {
      const { lines } = ask({ 'GET /*': document(component) }, (api) => createModules(api).get(path))
      expect(lines).toEqual(['GET /module/a%20b/%C3%BC/7'])
    }
    const { lines } = ask({ 'GET /*': document(component) }, (api) =>
      createModules(api).get('a/b?media=json#x'),
    )
    expect(lines).toEqual(['GET /module/a/b%3Fmedia%3Djson%23x'])
  })

  it('are asked for only when somebody listens', () => {
    const { lines } = ask({}, (api) => {
      createModules(api).get('a')
      createModules(api).remove('a')
      createProjects(api).list('a', { recurse: true })
      createApplications(api).list()
      return createApplications(api).list().pipe(take(0))
    })
    expect(lines).toEqual([])
  })

  it('refuse wrong arguments at once, by name', () => {
    const modules = createModules(apiWithoutAnswers())
    for (const path of ['', '/', 'module', 'a//b', 'a/../b', '.', undefined as never, 7 as never]) {
      for (const verb of [
        'get',
        'parameters',
        'nodes',
        'imageIdentifiers',
        'versions',
        'publish',
        'unpublish',
        'remove',
      ] as const) {
        expect(() => modules[verb](path)).toThrow(/^path: expected the path of a module/)
      }
    }
    expect(() => modules.parameters('a', { names: 'b' as never })).toThrow(/^selection\.names: /)
    expect(() => modules.copy('', { project: 'p', name: 'b' })).toThrow(/^path: /)
    expect(() => modules.copy('a', { project: '..', name: 'b' })).toThrow(/^target\.project: /)
    for (const name of ['', 'a/b', 'new', undefined as never]) {
      expect(() => modules.copy('a', { project: 'p', name })).toThrow(/^target\.name: /)
    }
    const projects = createProjects(apiWithoutAnswers())
    expect(() => projects.list('a//b')).toThrow(/^path: /)
    expect(() => projects.list(7 as never, { recurse: true })).toThrow(/^path: /)
  })
})
