import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { readXml, startSlipstream, type SlipstreamSite, type Xml } from './slipstream-site.js'

let site: SlipstreamSite
beforeAll(async () => {
  site = await startSlipstream({ slipstream: { vmQuota: 20 } })
})
afterAll(() => site.cloud.close())

describe('answers of the legacy side', () => {
  it('refuses strangers: programs with a 401 that clears the cookie, people with the page to log in', async () => {
    const answer = await site.nobody.get('/run')
    expect(answer.status).toBe(401)
    expect(String(answer.headers['set-cookie'])).toMatch(
      /^com\.sixsq\.slipstream\.cookie=INVALID;Path=\/;Max-Age=0;Expires=/,
    )
    expect(readXml(answer.text).attributes['code']).toBe('401')
    const page = await site.nobody.get('/run/x', 'text/html,application/xml;q=0.9')
    expect([page.status, page.headers.location]).toEqual([307, `${site.url}/login?redirectURL=/run/x`])
    expect((await site.nobody.get('/login')).status).toBe(200)
    expect((await site.nobody.get('/run', '*/*')).status).toBe(307)
  })

  it('writes errors in the form that is asked for', async () => {
    const path = '/run?limit=0'
    const xml = await site.jane.get(path)
    expect(xml.headers['content-type']).toBe('application/xml;charset=UTF-8')
    const detail = 'Query parameter limit should be between 1 and 500'
    expect(xml.text).toBe(
      `<error code="400" reason="Bad Request" detail="${detail}" specificationUri="http://www.w3.org/Protocols/rfc2616/rfc2616-sec10.html#sec10.4.1">\n${detail}\n</error>`,
    )
    expect((await site.jane.get(path, 'application/json')).json()).toEqual({
      error: {
        code: '400',
        reason: 'Bad Request',
        detail,
        specificationUri: 'http://www.w3.org/Protocols/rfc2616/rfc2616-sec10.html#sec10.4.1',
      },
    })
    expect((await site.jane.get(path, 'text/plain')).text).toBe(`400 - Bad Request\n${detail}`)
    expect((await site.jane.get(path, '*/*')).headers['content-type']).toBe('text/html;charset=UTF-8')
    expect((await site.jane.get(`${path}&media=json`)).json()).toHaveProperty('error')
  })

  it('offers XML, JSON and pages where the server has them', async () => {
    const json = (await site.jane.get('/run', 'application/json')).json()
    expect(json['runs']).toMatchObject({ offset: '0', limit: '20', cloud: '' })
    expect((await site.jane.get('/module/examples?media=json')).json()).toHaveProperty('projectModule')
    expect((await site.jane.get('/run', 'text/html;q=0.1, application/xml')).text).toMatch(/^<runs /)
    expect((await site.jane.get('/run', 'text/html')).text).toMatch(/^<!DOCTYPE html>/)
    expect((await site.jane.get('/vms', 'application/json')).status).toBe(406)
  })

  it('has a teapot, and answers 404 and 405', async () => {
    expect((await site.nobody.get('/teapot')).status).toBe(418)
    expect((await site.jane.get('/nothing')).status).toBe(404)
    expect((await site.jane.get('/run/x/y/z')).status).toBe(404)
    const wrong = await site.jane.send('PUT', '/run')
    expect([wrong.status, wrong.headers.allow]).toEqual([405, 'GET, POST'])
    expect((await site.jane.send('HEAD', '/run')).status).toBe(200)
  })
})

const parameterOf = (user: Xml, name: string): string | undefined =>
  user
    .child('parameters')
    .all('entry')
    .find((entry) => entry.child('string').text === name)
    ?.child('parameter')
    .all('value')[0]?.text

describe('users', () => {
  const userXml = (attributes: string, parameters = ''): string =>
    `<?xml version='1.0' encoding='UTF-8'?>\n<user ${attributes}><parameters>${parameters}</parameters></user>`
  const minimum = (name: string): string => `name="${name}" email="${name}@x.org" firstName="F" lastName="L"`

  it('shows oneself, without the password', async () => {
    const user = await site.jane.document('/user/jane')
    expect(user.attributes).toMatchObject({
      name: 'jane',
      resourceUri: 'user/jane',
      issuper: 'false',
      online: 'true',
    })
    expect(user.attributes).not.toHaveProperty('password')
    expect(parameterOf(user, 'General.Timeout')).toBe('30')
    expect(parameterOf(user, 'exoscale-ch-gva.username')).toBe('jane')
    expect(await site.jane.fault('GET', '/user/bob')).toEqual([403, 'Not allowed to see this user'])
    expect((await site.root.fault('GET', '/user/nobody'))[0]).toBe(404)
    expect((await site.root.get('/user/bob')).status).toBe(200)
  })

  it('lists users to administrators', async () => {
    expect((await site.jane.fault('GET', '/users'))[0]).toBe(403)
    const items = (await site.root.document('/users')).all('item')
    expect(items.map((item) => item.attributes['name'])).toEqual(
      expect.arrayContaining(['jane', 'bob', 'super']),
    )
    expect((await site.root.document('/user')).name).toBe('list')
  })

  it('creates with 201, overwrites with 202 and keeps the password that is left out', async () => {
    const xml = userXml(
      `${minimum('carl')} password="pw" issuper="false" state="ACTIVE" roles="a,b"`,
      '<entry><string>General.Timeout</string><parameter name="General.Timeout" category="General"><value>45</value></parameter></entry>',
    )
    expect((await site.root.send('PUT', '/user/carl', { xml })).status).toBe(201)
    expect((await site.root.send('PUT', '/user/carl?new=true', { xml })).status).toBe(403)
    const before = await site.root.document('/user/carl')
    expect([before.attributes['roles'], parameterOf(before, 'General.Timeout')]).toEqual(['a,b', '45'])
    const again = { xml: userXml(`${minimum('carl')} organization="X"`) }
    expect((await site.root.send('PUT', '/user/carl', again)).status).toBe(202)
    const after = await site.root.document('/user/carl')
    expect([after.attributes['organization'], parameterOf(after, 'General.Timeout')]).toEqual(['X', '30'])
  })

  it('leaves users whom others make in the state NEW', async () => {
    const xml = userXml(`${minimum('dora')} password="pw" state="ACTIVE"`)
    expect((await site.jane.send('PUT', '/user/dora', { xml })).status).toBe(201)
    expect((await site.root.document('/user/dora')).attributes['state']).toBe('NEW')
  })

  it('refuses what is not allowed, not consistent or not complete', async () => {
    const put = (path: string, xml: string) => site.jane.fault('PUT', path, { xml })
    expect((await put('/user/jane', userXml(`${minimum('jane')} roles="x"`)))[0]).toBe(403)
    expect((await put('/user/jane', userXml(`${minimum('jane')} issuper="true"`)))[0]).toBe(403)
    expect((await put('/user/bob', userXml(minimum('bob'))))[0]).toBe(403)
    expect((await put('/user/jane', userXml(minimum('other'))))[0]).toBe(400)
    expect((await put('/user/jane', userXml('name="jane"')))[0]).toBe(409)
    expect((await put('/user/jane', '<user'))[0]).toBe(400)
    expect(await put('/user/jane', '<!DOCTYPE user [<!ENTITY a "b">]><user name="jane"/>')).toEqual([
      400,
      'Invalid xml user: document types are not accepted',
    ])
    expect((await site.jane.send('PUT', '/user/jane', { xml: userXml(minimum('jane')) })).status).toBe(202)
  })
})

describe('machines and usage', () => {
  it('lists machines with filters; one of them belongs to no run', async () => {
    const all = (await site.bob.document('/vms?offset=0&limit=20&runUuid=&cloud=')).all('vm')
    expect(all).toHaveLength(1)
    expect(all[0]?.attributes).toMatchObject({ user: 'bob', state: 'Running', isUsable: 'true' })
    for (const name of ['runUuid', 'runOwner', 'nodeName', 'cpu'])
      expect(all[0]?.attributes).not.toHaveProperty(name)
    const [run = ''] = site.cloud.slipstream.runs.create({ owner: 'bob', cloud: 'ec2-eu-west' })
    const vms = await site.bob.document(`/vms?runUuid=${run}`)
    expect(vms.attributes).toEqual({ offset: '0', limit: '20', count: '1', totalCount: '1', user: 'bob' })
    expect(vms.child('vm').attributes).toMatchObject({
      cloud: 'ec2-eu-west',
      runUuid: run,
      runOwner: 'bob',
      nodeName: 'machine',
      cpu: '2',
      ram: '4096.0',
    })
    expect((await site.bob.document('/vms?cloud=ec2')).all('vm')).toHaveLength(0)
    expect((await site.bob.document('/vms?cloud=ec2-eu-west')).all('vm')).toHaveLength(1)
    expect((await site.bob.document('/vms?limit=1&offset=1')).attributes).toMatchObject({
      count: '1',
      totalCount: '2',
    })
    expect((await site.bob.fault('GET', '/vms?limit=501'))[0]).toBe(400)
    expect((await site.bob.fault('GET', '/vms?user=jane'))[0]).toBe(403)
  })

  it('adds the clouds up in the last row of the dashboard', async () => {
    const dashboard = await site.bob.document('/dashboard')
    expect(
      dashboard
        .child('clouds')
        .all('string')
        .map((one) => one.text),
    ).toEqual(['exoscale-ch-gva', 'ec2-eu-west'])
    const rows = dashboard.child('cloudUsages').all('cloudUsage')
    expect(rows.map((row) => row.attributes)).toEqual([
      expect.objectContaining({
        cloud: 'exoscale-ch-gva',
        vmQuota: '20',
        unknownVmUsage: '1',
        userRunUsage: '0',
      }),
      expect.objectContaining({
        cloud: 'ec2-eu-west',
        userRunUsage: '1',
        userVmUsage: '1',
        unknownVmUsage: '0',
      }),
      {
        cloud: 'All Clouds',
        vmQuota: '40',
        userRunUsage: '1',
        userVmUsage: '1',
        userInactiveVmUsage: '0',
        othersVmUsage: '0',
        pendingVmUsage: '0',
        unknownVmUsage: '1',
      },
    ])
  })
})
