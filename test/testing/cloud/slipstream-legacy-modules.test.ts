import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { startSlipstream, type SlipstreamSite, type Xml } from './slipstream-site.js'

let site: SlipstreamSite
beforeAll(async () => {
  site = await startSlipstream()
})
afterAll(() => site.cloud.close())

const attributesOf = (list: readonly Xml[], name: string): (string | undefined)[] =>
  list.map((element) => element.attributes[name])
const versionOf = async (path: string): Promise<string> =>
  (await site.jane.document(path)).attributes['version'] ?? ''
const imageXml = (path: string, attributes = '', content = ''): string => {
  const at = path.lastIndexOf('/')
  return `<imageModule category="Image" parentUri="module/${path.slice(0, at)}" shortName="${path.slice(at + 1)}" description="d" isBase="true" moduleReferenceUri="" ${attributes}>${content}</imageModule>`
}

describe('looking at modules', () => {
  it('lists the root with resourceUri and projects with children', async () => {
    const root = await site.jane.document('/module')
    expect(root.name).toBe('list')
    expect(attributesOf(root.all('item'), 'name')).toEqual(['examples', 'apps'])
    expect(root.child('item').attributes['resourceUri']).toMatch(/^module\/examples\/\d+$/)
    const project = await site.jane.document('/module/examples')
    expect([project.name, project.attributes['category'], project.attributes['parentUri']]).toEqual([
      'projectModule',
      'Project',
      'module/',
    ])
    const children = project.child('children').all('item')
    expect(attributesOf(children, 'name')).toEqual(['images', 'restricted', 'tutorials'])
    expect(children[0]?.attributes).not.toHaveProperty('resourceUri')
    expect(await site.jane.fault('GET', '/module/examples/restricted')).toEqual([
      403,
      'Not allowed to access this module',
    ])
    expect((await site.root.get('/module/examples/restricted')).status).toBe(200)
    expect((await site.jane.get('/module/examples/nothing')).status).toBe(404)
  })

  it('shows a component as the server prints it', async () => {
    const { text } = await site.jane.get('/module/examples/images/ubuntu-18.04')
    expect(text).toMatch(
      /^<imageModule category="Image" creation="\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{1,3} UTC" deleted="false"/,
    )
    expect(text).toContain('<cloudNames length="3"><string>exoscale-ch-gva</string>')
    expect(text).toContain('<runs count="0" limit="20" offset="0" totalCount="0"/>')
    expect(text).toContain(
      '<entry><string>network</string><parameter name="network" category="Cloud" description="Network type" isSet="true" mandatory="true" readonly="false" type="Enum" order="0" order_="0"><enumValues length="2"><string>Public</string><string>Private</string></enumValues><instructions><![CDATA[',
    )
    expect(text).toContain('<value>Public</value><defaultValue>Public</defaultValue></parameter></entry>')
    expect(text).toContain('<target name="execute"/>')
    expect(text).toMatch(
      /<cloudImageIdentifier cloudServiceName="exoscale-ch-gva" cloudImageIdentifier="[0-9a-f-]{36}"\/>/,
    )
    expect(text).toMatch(/<published publicationDate="/)
    expect(text).toMatch(/<notes length="0"\/><\/imageModule>$/)
  })

  it('shows an application with its nodes', async () => {
    const application = await site.jane.document('/module/examples/tutorials/web-farm')
    expect(application.name).toBe('deploymentModule')
    const nodes = application.child('nodes').all('entry')
    expect(nodes.map((entry) => entry.child('string').text)).toEqual(['apache', 'worker'])
    const worker = nodes[1]?.child('node')
    expect(worker?.attributes).toMatchObject({
      name: 'worker',
      multiplicity: '2',
      maxProvisioningFailures: '0',
      cloudService: 'default',
      imageUri: 'module/examples/tutorials/worker',
      network: 'Public',
    })
    const mapping = worker?.child('parameterMappings').child('entry').child('parameter')
    expect([mapping?.attributes['isMappedValue'], mapping?.child('value').text]).toEqual([
      'true',
      'apache:hostname',
    ])
    expect(worker?.child('image').attributes['shortName']).toBe('worker')
  })

  it('lists what is published in the app store', async () => {
    const items = (await site.jane.document('/appstore')).all('item')
    expect(attributesOf(items, 'name')).toEqual(['ubuntu-18.04', 'web-farm', 'wordpress'])
    expect(new Set(attributesOf(items, 'published'))).toEqual(new Set(['true']))
    expect(items[2]?.attributes['resourceUri']).toMatch(/^module\/apps\/WordPress\/wordpress\/\d+$/)
  })
})

describe('versions', () => {
  // Each test has modules of its own to spoil.
  beforeEach(async () => {
    const shared = site
    site = await startSlipstream()
    return async () => {
      await site.cloud.close()
      site = shared
    }
  })

  it('shows each of them, and all with a slash at the end', async () => {
    const path = '/module/examples/images/centos-6'
    const latest = Number(await versionOf(path))
    const list = await site.jane.document(`${path}/`)
    expect(list.name).toBe('versionList')
    expect(attributesOf(list.all('item'), 'version')).toEqual([latest, latest - 1, latest - 2].map(String))
    const old = await site.jane.document(`${path}/${latest - 1}`)
    expect([old.attributes['isLatestVersion'], old.child('commit').child('comment').text]).toEqual([
      'false',
      'Newer kernel',
    ])
    expect((await site.jane.get(`${path}/1`)).status).toBe(404)
  })

  it('deletes the latest version, so that the one before comes to light, or all', async () => {
    const path = '/module/examples/images/centos-6'
    expect((await site.jane.send('DELETE', path)).status).toBe(403)
    const latest = Number(await versionOf(path))
    const gone = await site.root.send('DELETE', path)
    expect([gone.status, gone.headers.location]).toEqual([204, `${path}/${latest - 1}`])
    expect(await versionOf(path)).toBe(String(latest - 1))
    expect(await site.jane.fault('GET', `${path}/${latest}`)).toEqual([403, 'Module deleted'])
    const all = await site.root.send('DELETE', `${path}/`)
    expect([all.status, all.headers.location]).toEqual([204, '/module/examples/images'])
    expect((await site.jane.get(path)).status).toBe(404)
    expect((await site.root.fault('DELETE', '/module/examples/tutorials'))[0]).toBe(409)
  })

  it('makes a new version of what is put back, and unpublishes', async () => {
    const path = '/module/apps/WordPress/wordpress'
    const before = await versionOf(path)
    const { text } = await site.jane.get(path)
    const refused = await site.jane.fault('PUT', path, { xml: text })
    expect(refused[0]).toBe(403)
    const edited = text.replace('description="WordPress server"', 'description="A &quot;blog&quot;"')
    const put = await site.root.send('PUT', path, { xml: edited })
    expect(put.status).toBe(200)
    const after = await site.jane.document(path)
    expect(put.headers.location).toBe(`${path}/${after.attributes['version'] ?? ''}`)
    expect(Number(after.attributes['version'])).toBeGreaterThan(Number(before))
    expect(after.attributes['description']).toBe('A "blog"')
    expect(after.all('published')).toHaveLength(0)
    expect(attributesOf((await site.jane.document('/appstore')).all('item'), 'name')).not.toContain(
      'wordpress',
    )
    expect((await site.jane.document(`${path}/${before}`)).attributes['description']).toBe('WordPress server')
    const same = (document: Xml): unknown =>
      document
        .child('parameters')
        .all('entry')
        .map((entry) => [
          entry.child('string').text,
          entry.child('parameter').attributes,
          entry.child('parameter').children.map((child) => child.text),
        ])
    expect(same(after)).toEqual(same(await site.jane.document(`${path}/${before}`)))
  })

  it('publishes once, unpublishes, and knows unknown modules', async () => {
    const path = '/module/examples/images/centos-6'
    expect((await site.jane.send('PUT', `${path}/publish`)).status).toBe(403)
    expect((await site.root.send('PUT', `${path}/publish`)).status).toBe(204)
    expect((await site.root.fault('PUT', `${path}/publish`))[0]).toBe(409)
    expect(attributesOf((await site.jane.document('/appstore')).all('item'), 'name')).toContain('centos-6')
    expect((await site.root.send('DELETE', `${path}/publish`)).status).toBe(204)
    expect(attributesOf((await site.jane.document('/appstore')).all('item'), 'name')).not.toContain(
      'centos-6',
    )
    expect((await site.root.fault('PUT', '/module/examples/nothing/publish'))[0]).toBe(404)
  })
})

describe('making modules', () => {
  it('answers 201 with the place of the new module, whose owner one is', async () => {
    const path = 'examples/tutorials/mine'
    const xml = imageXml(
      path,
      '',
      '<cloudImageIdentifiers><cloudImageIdentifier cloudServiceName="ec2-eu-west" cloudImageIdentifier="ami-1"/></cloudImageIdentifiers>',
    )
    const put = await site.jane.send('PUT', `/module/${path}`, { xml })
    expect(put.status).toBe(201)
    expect(put.headers.location).toMatch(/^\/module\/examples\/tutorials\/mine\/\d+$/)
    const module = await site.jane.document(`/module/${path}`)
    expect(module.child('authz').attributes['owner']).toBe('jane')
    expect((await site.bob.get(`/module/${path}`)).status).toBe(403)
    expect((await site.jane.send('PUT', `/module/${path}`, { xml })).status).toBe(200)
    expect((await site.jane.send('DELETE', `/module/${path}/`)).status).toBe(204)
  })

  it.each([
    [400, 'examples/tutorials/a', '<imageModule'],
    [400, 'examples/tutorials/a', '<somethingElse/>'],
    [400, 'examples/tutorials/a', '<!DOCTYPE a><a/>'],
    [400, 'examples/tutorials/a', imageXml('examples/tutorials/b')],
    [
      400,
      'examples/tutorials/a',
      '<projectModule category="Image" parentUri="module/examples/tutorials" shortName="a"/>',
    ],
    [409, 'examples/tutorials/new', imageXml('examples/tutorials/new')],
    [409, 'examples/nothing/a', imageXml('examples/nothing/a')],
    [403, 'apps/a', imageXml('apps/a')],
    [
      409,
      'examples/tutorials/a',
      imageXml('examples/tutorials/a').replace('ReferenceUri=""', 'ReferenceUri="module/none"'),
    ],
    [
      409,
      'examples/tutorials/a',
      '<deploymentModule category="Deployment" parentUri="module/examples/tutorials" shortName="a"><nodes><entry><string>n</string><node name="n" imageUri="module/none"/></entry></nodes></deploymentModule>',
    ],
  ])('refuses with %i what does not fit %s', async (status, path, xml) => {
    expect((await site.jane.fault('PUT', `/module/${path}`, { xml }))[0]).toBe(status)
  })

  it('survives XML that is nested without end or not UTF-8', async () => {
    const deep = '<a>'.repeat(100_000)
    expect((await site.jane.fault('PUT', '/module/examples/tutorials/a', { xml: deep }))[0]).toBe(400)
    const latin = await site.jane.send('PUT', '/module/examples/tutorials/a', {
      body: Buffer.from('<imageModule a="\u00e9"/>', 'latin1'),
    })
    expect(latin.status).toBe(400)
  })

  it('copies a module under a new name', async () => {
    const form = { source_uri: 'module/examples/images/centos-6', target_name: 'copy' }
    const copied = await site.jane.send('POST', '/module/examples/tutorials', { form })
    expect(copied.status).toBe(201)
    expect(copied.headers.location).toMatch(/^\/module\/examples\/tutorials\/copy\/\d+$/)
    const copy = await site.jane.document('/module/examples/tutorials/copy')
    expect([copy.attributes['shortName'], copy.child('authz').attributes['owner']]).toEqual(['copy', 'jane'])
    expect((await site.jane.fault('POST', '/module/examples/tutorials', { form }))[0]).toBe(403)
    expect((await site.jane.fault('POST', '/module/examples/tutorials', { form: {} }))[0]).toBe(400)
  })

  it('reads back what any text says, control characters apart', async () => {
    const path = 'examples/tutorials/odd'
    const description = 'a&amp;b &lt;c&gt; &#9;&#10;é 😀'
    const value = 'x]]&gt;y&#13;z'
    const xml = imageXml(
      path,
      '',
      `<parameters><entry><string>p</string><parameter name="p" category="Input"><value>${value}</value></parameter></entry></parameters>`,
    ).replace('description="d"', `description="${description}"`)
    await site.jane.send('PUT', `/module/${path}`, { xml })
    const module = await site.jane.document(`/module/${path}`)
    expect(module.attributes['description']).toBe('a&b <c> \t\né 😀')
    expect(module.child('parameters').child('entry').child('parameter').child('value').text).toBe('x]]>y\rz')
  })
})
