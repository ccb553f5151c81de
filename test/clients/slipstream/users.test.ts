import { inspect } from 'node:util'
import { of } from 'rxjs'
import { describe, expect, it } from 'vitest'
import type { UserChanges, UserSpec } from '../../../src/clients/slipstream/user-changes.js'
import { createUsers } from '../../../src/clients/slipstream/users.js'
import { ConflictError, NetworkError, PermissionError, ResponseFormatError } from '../../../src/errors.js'
import type { Api } from '../../../src/http/api.js'
import type { XmlPart, XmlTree } from '../../../src/http/xml-text.js'
import { parseDocument } from './documents.js'
import { apiWithoutAnswers, ask, document, failure, type Routes } from './legacy-answers.js'

const usersOf = (api: Api, own = 'jane') => createUsers(api, { username: () => of(own) })

const entry = (name: string, value: string, category = name.split('.', 1)[0]) =>
  `<entry><string>${name}</string><parameter name="${name}" category="${category ?? ''}" description="about"><instructions>x</instructions>${value}</parameter></entry>`
const userDocument = (attributes: string, parameters = '') =>
  `<user ${attributes}><parameters class="org.hibernate.collection.internal.PersistentMap">${parameters}</parameters></user>`
const jane = userDocument(
  'name="jane" resourceUri="user/jane" email="j@x.org" firstName="Jane" lastName="J" organization="X" roles="a, b" issuper="false" state="ACTIVE" online="true" activeSince="2015-07-02 15:51:20.91 UTC" lastOnline="" cycloneLogin="cy" githubLogin="gh" creation="2013-12-09 11:14:44.749 UTC"',
  [
    entry('General.keep-running', '<value>on-success</value>'),
    entry('General.default.cloud.service', '<value><![CDATA[c1]]></value>'),
    entry('General.Timeout', '<value>30</value>'),
    entry('General.Verbosity Level', '<value>1</value>'),
    entry('General.ssh.public.key', '<value>ssh-rsa AAA jane\nssh-rsa BBB jane@home\n</value>'),
    entry('General.orchestrator.publicsshkey', '<value>ssh-rsa orchestrator</value>'),
    entry('c1.username', '<value>key</value>'),
    entry('c1.password', '<value>hunter2-of-c1</value>'),
    entry('c2.access.id', '<value>id</value>'),
    entry('c2.secret.key', '<value>hunter2-of-c2</value>'),
    entry('c3.username', '<value>only</value>'),
    entry('c4.username', '<value/>'),
    entry('c4.password', '<value>hunter2</value>'),
  ].join('\n'),
)
const bob: UserSpec = {
  name: 'bob',
  password: 'hunter2&co',
  email: 'b@x.org',
  firstName: 'Bob',
  lastName: 'B',
}
const PUT_BOB = 'PUT /user/bob?new=true'

const isElement = (part: XmlPart, name: string): part is XmlTree => 'children' in part && part.name === name
const childOf = (tree: XmlTree | undefined, name: string) =>
  tree?.children.find((part): part is XmlTree => isElement(part, name))
const textIn = (tree: XmlTree | undefined) =>
  tree?.children.map((part) => ('text' in part ? part.text : '')).join('')

/** The parameters of a document by their names. */
function parametersIn(body: string): Readonly<Record<string, string | undefined>> {
  const entries =
    childOf(parseDocument(body), 'parameters')?.children.filter((part) => isElement(part, 'entry')) ?? []
  return Object.fromEntries(
    entries.map((part) => {
      const parameter = childOf(part, 'parameter')
      const key = textIn(childOf(part, 'string')) ?? ''
      expect(parameter?.attributes['name']).toBe(key)
      return [key, textIn(childOf(parameter, 'value'))]
    }),
  )
}

describe('users', () => {
  it('are listed', () => {
    const list = `<list>
      <item name="bob" resourceUri="user/bob" email="b@x.org" firstName="Bob" lastName="B" state="ACTIVE" organization="X" roles="a,b" issuper="true" activeSince="" lastOnline="2015-07-02 15:51:20.91 UTC" lastExecute="" online="false"/>
      <item name="new" state="NEW" roles=""/></list>`
    const { values, lines, sent } = ask({ 'GET /users': document(list) }, (api) => usersOf(api).list())
    expect([lines, sent[0]?.headers['accept']]).toEqual([['GET /users'], 'application/xml'])
    expect(values).toEqual([
      {
        name: 'bob',
        resourceUri: 'user/bob',
        email: 'b@x.org',
        firstName: 'Bob',
        lastName: 'B',
        state: 'ACTIVE',
        organization: 'X',
        roles: ['a', 'b'],
        issuper: true,
        activeSince: '',
        lastOnline: '2015-07-02 15:51:20.91 UTC',
        lastExecute: '',
        online: false,
      },
      { name: 'new', state: 'NEW', roles: [], issuper: false },
    ])
  })

  it('are listed for privileged users only', () => {
    const answer = failure(403, 'Forbidden', 'Only for administrators')
    const { error } = ask({ 'GET /users': answer }, (api) => usersOf(api).list())
    expect(error).toBeInstanceOf(PermissionError)
    expect(error?.message).toContain('Only for administrators')
  })

  it('are read with their profile, and without the credentials in it', () => {
    const { values, lines } = ask({ 'GET /user/jane': document(jane) }, (api) => usersOf(api).get('jane'))
    expect(lines).toEqual(['GET /user/jane'])
    expect(values).toEqual([
      {
        name: 'jane',
        resourceUri: 'user/jane',
        email: 'j@x.org',
        firstName: 'Jane',
        lastName: 'J',
        organization: 'X',
        roles: ['a', 'b'],
        issuper: false,
        state: 'ACTIVE',
        online: true,
        activeSince: '2015-07-02 15:51:20.91 UTC',
        lastOnline: '',
        cycloneLogin: 'cy',
        githubLogin: 'gh',
        creation: '2013-12-09 11:14:44.749 UTC',
        configuredClouds: ['c1', 'c2'],
        defaultCloud: 'c1',
        keepRunning: 'on-success',
        executionTimeout: 30,
        logVerbosity: 1,
        sshPublicKeys: ['ssh-rsa AAA jane', 'ssh-rsa BBB jane@home'],
      },
    ])
    expect(inspect(values)).not.toContain('hunter2')
  })

  it('are read without a profile', () => {
    const { values } = ask({ 'GET /user/new': document('<user name="new" password="hunter2"/>') }, (api) =>
      usersOf(api).get('new'),
    )
    expect(values).toEqual([
      { name: 'new', roles: [], issuper: false, configuredClouds: [], sshPublicKeys: [] },
    ])
  })

  it('are by default who is logged in, asked for when somebody listens', () => {
    const { lines } = ask({ 'GET /user/j%40x.org': document(jane) }, (api) => usersOf(api, 'j@x.org').get())
    expect(lines).toEqual(['GET /user/j%40x.org'])
  })

  it('show no credentials in an error about their document', () => {
    const { error } = ask({ 'GET /user/jane': document(jane.replace('name="jane"', '')) }, (api) =>
      usersOf(api).get('jane'),
    )
    expect(error).toBeInstanceOf(ResponseFormatError)
    expect(error).toMatchObject({ issues: ['user.name: missing'] })
    const broken = ask({ 'GET /user/jane': document(jane.replace('</user>', '')) }, (api) =>
      usersOf(api).get('jane'),
    )
    expect(inspect([error, broken.error], { depth: 9 })).not.toMatch(/hunter2|ssh-rsa/)
  })
})

describe('users.create', () => {
  const create = (user: UserSpec, overwrite?: boolean, routes: Routes = {}) =>
    ask({ [PUT_BOB]: { status: 201 }, 'PUT /user/bob': { status: 202 }, ...routes }, (api) =>
      usersOf(api).create(user, overwrite === undefined ? {} : { overwrite }),
    )

  it('writes the document with all that a user has by default', () => {
    const { lines, sent, values, completed } = create(bob)
    expect([lines, values, completed]).toEqual([[PUT_BOB], [undefined], true])
    expect(sent[0]?.headers).toMatchObject({ 'content-type': 'application/xml', accept: 'application/xml' })
    expect(sent[0]?.body).toMatch(/^<\?xml version="1.0" encoding="UTF-8"\?>/)
    const { name, attributes } = parseDocument(sent[0]?.body ?? '')
    expect([name, attributes]).toEqual([
      'user',
      { ...bob, issuper: 'false', state: 'ACTIVE', resourceUri: 'user/bob' },
    ])
    expect(parametersIn(sent[0]?.body ?? '')).toEqual({
      'General.keep-running': 'never',
      'General.Verbosity Level': '1',
      'General.Timeout': '30',
      'General.mail-usage': 'never',
    })
  })

  it('writes numbers, booleans and lists as texts in their places (defect 1 of the reference)', () => {
    const { sent } = create({
      ...bob,
      organization: 'X & Y',
      roles: ['a', 'b'],
      issuper: true,
      defaultCloud: 'c1',
      keepRunning: 'on-error',
      sshPublicKeys: ['ssh-rsa AAA', 'ssh-rsa BBB'],
      logVerbosity: 3,
      executionTimeout: 45,
      usageEmail: 'daily',
      cloudParameters: { c1: { username: 'key', 'max.iaas.workers': 20, 'native-contextualization': false } },
    })
    const { attributes, children } = parseDocument(sent[0]?.body ?? '')
    expect(attributes).toMatchObject({ organization: 'X & Y', roles: 'a,b', issuper: 'true' })
    expect(parametersIn(sent[0]?.body ?? '')).toEqual({
      'General.default.cloud.service': 'c1',
      'General.keep-running': 'on-error',
      'General.Verbosity Level': '3',
      'General.Timeout': '45',
      'General.mail-usage': 'daily',
      'General.ssh.public.key': 'ssh-rsa AAA\nssh-rsa BBB',
      'c1.username': 'key',
      'c1.max.iaas.workers': '20',
      'c1.native-contextualization': 'false',
    })
    expect(sent[0]?.body).toContain(
      '<parameter name="c1.username" category="c1"><value>key</value></parameter>',
    )
    expect(sent[0]?.body).toContain(
      '<parameter name="General.Timeout" category="General"><value>45</value></parameter>',
    )
    expect(children).toHaveLength(1)
  })

  it('overwrites nobody unless told to', () => {
    const answer = failure(403, 'Forbidden', 'User bob exists already')
    const { error } = create(bob, undefined, { [PUT_BOB]: answer })
    expect(error).toBeInstanceOf(PermissionError)
    expect(error?.message).toContain('User bob exists already')
    expect(create(bob, true)).toMatchObject({ lines: ['PUT /user/bob'], completed: true })
  })

  it('is not sent again after an ambiguous failure, unless it may overwrite', () => {
    const busy = failure(502, 'Bad Gateway', 'x')
    const once = create(bob, false, { [PUT_BOB]: [busy, { status: 201 }] })
    expect([once.lines, once.error?.retryable]).toEqual([[PUT_BOB], false])
    const twice = create(bob, true, { 'PUT /user/bob': [busy, { status: 202 }] })
    expect([twice.lines.length, twice.completed]).toEqual([2, true])
  })

  it('shows nothing of a password that begins like another', () => {
    const user = { ...bob, password: 'hunter2', cloudParameters: { c1: { password: 'hunter2-longer' } } }
    const { error } = create(user, false, {
      [PUT_BOB]: failure(400, 'Bad Request', 'hunter2-longer, hunter2'),
    })
    expect(error?.message).toMatch(/400: \[redacted\], \[redacted\]$/)
  })

  it('shows no password in any error, even if the server sends the document back', () => {
    const secrets = { c1: { password: 'hunter2<c1>', 'secret.key': 'hunter2"c1"', username: 'login-of-bob' } }
    const user = { ...bob, cloudParameters: secrets }
    const echo = (body: string) => ({
      status: 409,
      headers: { 'content-type': 'text/plain' },
      body: `409 - Conflict\nrefused: ${body} hunter2<c1> hunter2"c1" hunter2&co`,
    })
    const { error, sent } = create(user, false, {
      [PUT_BOB]: (request) => echo(typeof request.body === 'string' ? request.body.slice(-300) : ''),
    })
    expect(error).toBeInstanceOf(ConflictError)
    expect(sent[0]?.body).toContain('hunter2&amp;co')
    const shown = inspect(error, { depth: 9 }) + JSON.stringify(error) + String(error)
    expect(shown).toContain('login-of-bob')
    expect(shown).not.toContain('hunter2')
    const cut = create(user, false, { [PUT_BOB]: new NetworkError('cut') })
    expect(inspect(cut.error, { depth: 9 })).not.toContain('hunter2')
  })

  it.each<[string, Partial<Record<keyof UserSpec, unknown>>]>([
    ['user.name', { name: '' }],
    ['user.name', { name: 'a/b' }],
    ['user.name', { name: '..' }],
    ['user.password', { password: undefined }],
    ['user.password', { password: 'hunter2\u0000' }],
    ['user.email', { email: 7 }],
    ['user.firstName', { firstName: '' }],
    ['user.lastName', { lastName: null }],
    ['user.organization', { organization: '\ud800' }],
    ['user.roles', { roles: 'a,b' }],
    ['user.roles', { roles: ['a,b'] }],
    ['user.issuper', { issuper: 'true' }],
    ['user.defaultCloud', { defaultCloud: 1 }],
    ['user.keepRunning', { keepRunning: 'sometimes' }],
    ['user.sshPublicKeys', { sshPublicKeys: 'ssh-rsa' }],
    ['user.sshPublicKeys', { sshPublicKeys: ['a\nb'] }],
    ['user.logVerbosity', { logVerbosity: 4 }],
    ['user.executionTimeout', { executionTimeout: 0.5 }],
    ['user.usageEmail', { usageEmail: 'weekly' }],
    ['user.cloudParameters.c1.password', { cloudParameters: { c1: { password: 'hunter2\u0001' } } }],
    ['user.cloudParameters.c1.x', { cloudParameters: { c1: { x: ['a'] } } }],
  ])('refuses a wrong %s at once: %j', (argument, wrong) => {
    const users = usersOf(apiWithoutAnswers())
    const attempt = () => users.create({ ...bob, ...wrong } as UserSpec)
    expect(attempt).toThrow(TypeError)
    expect(attempt).toThrow(`${argument}: expected `)
    expect(attempt).not.toThrow(/hunter2/)
  })
})

describe('users.update', () => {
  const GET = 'GET /user/jane'
  const PUT = 'PUT /user/jane'
  const update = (
    changes: UserChanges,
    routes: Routes = {},
    own = 'jane',
    name: string | undefined = 'jane',
  ) =>
    ask({ [GET]: document(jane), [PUT]: { status: 202 }, ...routes }, (api) =>
      usersOf(api, own).update(name, changes),
    )
  const sentBy = (changes: UserChanges) => update(changes).sent[1]?.body ?? ''

  it('reads the document and writes it back with the changes', () => {
    const { lines, sent, values, completed } = update({ email: 'new@x.org' })
    expect([lines, values, completed]).toEqual([[GET, PUT], [undefined], true])
    expect(sent[1]?.headers).toMatchObject({ 'content-type': 'application/xml', accept: 'application/xml' })
    const { roles: _roles, ...kept } = parseDocument(jane).attributes
    expect(parseDocument(sent[1]?.body ?? '').attributes).toEqual({ ...kept, email: 'new@x.org' })
  })

  it('changes the parameters that are named, in their place (defect 1 of the reference)', () => {
    const before = parametersIn(jane)
    const { 'General.orchestrator.publicsshkey': _key, ...kept } = before
    const body = sentBy({
      executionTimeout: 45,
      defaultCloud: '',
      usageEmail: 'daily',
      cloudParameters: { c4: { username: 'now' }, c5: { username: 'new' } },
    })
    expect(parametersIn(body)).toEqual({
      ...kept,
      'General.Timeout': '45',
      'General.default.cloud.service': '',
      'General.mail-usage': 'daily',
      'c4.username': 'now',
      'c5.username': 'new',
    })
    expect(Object.keys(parametersIn(body)).slice(0, 3)).toEqual(Object.keys(before).slice(0, 3))
    expect(body).toContain(
      '<parameter name="General.Timeout" category="General" description="about"><instructions>x</instructions><value>45</value></parameter>',
    )
  })

  it('leaves the password as it is unless it is given', () => {
    expect(parseDocument(sentBy({ firstName: 'J' })).attributes).not.toHaveProperty('password')
    expect(parseDocument(sentBy({ password: 'new & better' })).attributes['password']).toBe('new & better')
  })

  it('never writes the key of the orchestrator back', () => {
    expect(jane).toContain('publicsshkey')
    expect(sentBy({ firstName: 'J' })).not.toContain('publicsshkey')
  })

  it('writes roles back only for privileged users, and asks only where there are some', () => {
    const rolesIn = (body: string | undefined) => parseDocument(body ?? '').attributes['roles']
    const own = update({ firstName: 'J' })
    expect([own.lines, rolesIn(own.sent[1]?.body)]).toEqual([[GET, PUT], undefined])

    const root = { 'GET /user/root': document('<user name="root" issuper="true"/>') }
    const privileged = update({ firstName: 'J' }, root, 'root')
    expect(privileged.lines).toEqual([GET, 'GET /user/root', PUT])
    expect(rolesIn(privileged.sent[2]?.body)).toBe('a, b')

    const manager = { 'GET /user/boss': document('<user name="boss" issuper="false"/>') }
    const managed = update({ firstName: 'J' }, manager, 'boss')
    expect(rolesIn(managed.sent[2]?.body)).toBeUndefined()

    const bare = { [GET]: document('<user name="jane" roles=""/>') }
    const without = update({ firstName: 'J' }, bare, 'root')
    expect([without.lines, rolesIn(without.sent[1]?.body)]).toEqual([[GET, PUT], undefined])

    const given = update({ roles: ['x', 'y'] }, {}, 'root')
    expect([given.lines, rolesIn(given.sent[1]?.body)]).toEqual([[GET, PUT], 'x,y'])
  })

  it('is by default about who is logged in', () => {
    expect(update({ firstName: 'J' }, {}, 'jane', undefined).lines).toEqual([GET, PUT])
  })

  it('tells why it was refused', () => {
    const { error } = update(
      { roles: ['admin'] },
      { [PUT]: failure(403, 'Forbidden', 'Not allowed to set roles') },
    )
    expect(error).toBeInstanceOf(PermissionError)
    expect(error?.message).toBe(
      'slipstream.users.update: PUT https://cloud.test/user/jane answered 403: Not allowed to set roles',
    )
  })

  it('shows no password in an error', () => {
    const answer = failure(409, 'Conflict', 'weak: hunter2-2')
    const { error } = update({ password: 'hunter2-2' }, { [PUT]: answer })
    expect(error?.message).toContain('weak: [redacted]')
    expect(inspect(error, { depth: 9 }) + JSON.stringify(error)).not.toContain('hunter2')
  })

  it('refuses wrong arguments at once, by name', () => {
    const users = usersOf(apiWithoutAnswers())
    expect(() => users.update('', { firstName: 'J' })).toThrow(/^name: expected/)
    expect(() => users.update('..', { firstName: 'J' })).toThrow(/^name: expected/)
    expect(() => users.update('jane', { executionTimeout: '45' as never })).toThrow(
      /^changes\.executionTimeout: /,
    )
    expect(() => users.update(undefined, { logVerbosity: -1 })).toThrow(/^changes\.logVerbosity: /)
    for (const name of ['', '.', 'a/b', 7 as never]) expect(() => users.get(name)).toThrow(/^name: expected/)
  })
})
