import { inspect } from 'node:util'
import { firstValueFrom, take } from 'rxjs'
import { describe, expect, it } from 'vitest'
import type { ModuleItem } from '../../src/clients/slipstream/index.js'
import {
  ConfigurationError,
  ConflictError,
  NotFoundError,
  OperationFailedError,
  PermissionError,
  ValidationError,
} from '../../src/errors.js'
import { courseOf, done, errorOf, everyPoll, listOf, outcomeOf, slipstreamSite } from './slipstream-site.js'

const site = slipstreamSite()
const TUTORIALS = 'examples/tutorials'
const paths = (items: readonly ModuleItem[]): string[] => items.map(({ path }) => path)

/** A component of the user's own, built on Ubuntu, with packages and recipes. */
async function copyOf(name: string, source = `${TUTORIALS}/apache`): Promise<string> {
  const { modules } = site.clientOf()
  const copy = await firstValueFrom(modules.copy(source, { project: TUTORIALS, name }))
  expect(copy.path).toBe(`${TUTORIALS}/${name}`)
  return copy.path
}

describe('the app store', () => {
  it('has what is published', async () => {
    const items = await listOf(site.clientOf().applications.list())
    expect(items.find(({ name }) => name === 'wordpress')).toMatchObject({
      path: 'apps/WordPress/wordpress',
      type: 'component',
      category: 'Image',
      published: true,
      description: 'WordPress server',
      logoLink: 'https://logos.example.org/wordpress.svg',
    })
    expect(paths(items).sort()).toEqual([
      'apps/WordPress/wordpress',
      'examples/images/ubuntu-18.04',
      'examples/tutorials/web-farm',
    ])
    expect(items.every(({ version }) => typeof version === 'number')).toBe(true)
  })
})

describe('projects', () => {
  it('are listed level by level', async () => {
    const { projects } = site.clientOf()
    expect(paths(await listOf(projects.list()))).toEqual(['examples', 'apps'])
    expect(paths(await listOf(projects.list('examples')))).toEqual([
      'examples/images',
      'examples/restricted',
      'examples/tutorials',
    ])
    const within = await listOf(projects.list('/module/examples/images/'))
    expect(within).toMatchObject([
      { path: 'examples/images/centos-6', type: 'component' },
      { path: 'examples/images/ubuntu-18.04', type: 'component' },
    ])
  })

  it('are walked depth first, past those that one may not read, and no further than wanted', async () => {
    const { projects } = site.clientOf()
    const all = paths(await listOf(projects.list(undefined, { recurse: true })))
    expect(all).toEqual([
      'examples',
      'examples/images',
      'examples/images/centos-6',
      'examples/images/ubuntu-18.04',
      'examples/restricted',
      TUTORIALS,
      `${TUTORIALS}/apache`,
      `${TUTORIALS}/worker`,
      `${TUTORIALS}/web-farm`,
      'apps',
      'apps/WordPress',
      'apps/WordPress/wordpress',
    ])
    expect(await listOf(projects.list('examples/restricted'))).toEqual([])

    const sent = site.requestsFromNow({ path: '/module*' })
    expect(await listOf(projects.list(undefined, { recurse: true }).pipe(take(3)))).toHaveLength(3)
    expect(sent().map(({ path }) => path)).toEqual(['/module', '/module/examples', '/module/examples/images'])
  })

  it('that there are not are errors', async () => {
    const { projects } = site.clientOf()
    expect(await errorOf(projects.list('examples/none'))).toBeInstanceOf(NotFoundError)
    expect(await errorOf(projects.list(`${TUTORIALS}/apache`))).toBeInstanceOf(ConfigurationError)
  })
})

describe('a module', () => {
  it('is read as component, application and project', async () => {
    const { modules } = site.clientOf()
    expect(await firstValueFrom(modules.get('examples/images/centos-6'))).toMatchObject({
      name: 'centos-6',
      path: 'examples/images/centos-6',
      parentUri: 'module/examples/images',
      type: 'component',
      isBase: true,
      isLatestVersion: true,
      platform: 'centos',
      loginUser: 'root',
      commit: { author: 'sixsq', comment: 'Security updates' },
      authz: { owner: 'sixsq', ownerPut: true, publicGet: true, publicPut: false },
      cloudNames: expect.arrayContaining(['exoscale-ch-gva', 'ec2-eu-west']) as unknown,
    })
    expect(await firstValueFrom(modules.get(`${TUTORIALS}/web-farm`))).toMatchObject({ type: 'application' })
    expect(await firstValueFrom(modules.get('examples'))).toMatchObject({ type: 'project', path: 'examples' })
  })

  it('has parameters, all of them or some, and shows no password', async () => {
    const { modules } = site.clientOf()
    const all = await listOf(modules.parameters('apps/WordPress/wordpress'))
    expect(all.find(({ name }) => name === 'network')).toMatchObject({
      category: 'Cloud',
      type: 'Enum',
      mandatory: true,
      value: 'Public',
      defaultValue: 'Public',
      enumValues: ['Public', 'Private'],
      instructions: 'Whether the machine can be reached from outside.',
    })
    const names = ['wordpress_title', 'wordpress_password']
    const some = await listOf(modules.parameters('apps/WordPress/wordpress', { names }))
    expect(some.map(({ name, value }) => [name, value])).toEqual([
      ['wordpress_title', 'Just another WordPress site'],
      ['wordpress_password', 'wordpress-admin'],
    ])
    expect(inspect(all, { depth: 5 }) + JSON.stringify(all)).not.toContain('wordpress-admin')
  })

  it('has nodes, if it is an application, and images, if it is a component', async () => {
    const { modules } = site.clientOf()
    expect(await listOf(modules.nodes(`${TUTORIALS}/web-farm`))).toMatchObject([
      { name: 'apache', path: `${TUTORIALS}/apache`, cloudService: 'default', multiplicity: 1 },
      { name: 'worker', path: `${TUTORIALS}/worker`, multiplicity: 2, maxProvisioningFailures: 0 },
    ])
    expect(await listOf(modules.imageIdentifiers(`${TUTORIALS}/web-farm`))).toEqual([])
    const images = await listOf(modules.imageIdentifiers('examples/images/centos-6'))
    expect(images.map(({ cloudServiceName }) => cloudServiceName)).toEqual(['exoscale-ch-gva', 'ec2-eu-west'])
    expect(images[0]?.cloudImageIdentifier).toMatch(/^[\da-f-]{36}$/)
    expect(await listOf(modules.nodes('examples/images/centos-6'))).toEqual([])
  })

  it('that there is not, or that one may not see, is an error of its kind', async () => {
    const { modules } = site.clientOf()
    const unknown = await errorOf(modules.get('examples/none'))
    expect(unknown).toBeInstanceOf(NotFoundError)
    expect(unknown).toMatchObject({ status: 404, operation: 'slipstream.modules.get' })
    expect((unknown as NotFoundError).reason).toBe('Module not found: module/examples/none')
    expect(await errorOf(modules.get('examples/restricted/secret'))).toBeInstanceOf(PermissionError)
  })

  it('is published once, and taken back', async () => {
    const path = await copyOf('published')
    const { modules, applications } = site.clientOf()
    await done(modules.publish(path))
    expect(paths(await listOf(applications.list()))).toContain(path)
    expect((await firstValueFrom(modules.get(path))).published?.publicationDate).toMatch(/ UTC$/)
    const error = await errorOf(modules.publish(path))
    expect(error).toBeInstanceOf(ConflictError)
    expect((error as ConflictError).reason).toContain('already published')
    await done(modules.unpublish(path))
    expect(paths(await listOf(applications.list()))).not.toContain(path)
    expect(await errorOf(modules.publish('examples/none'))).toBeInstanceOf(NotFoundError)
  })

  it('loses one version at a time', async () => {
    const { modules } = site.privilegedClient()
    const path = 'examples/images/centos-6'
    const before = await listOf(modules.versions(path))
    expect(before.map(({ commit }) => commit?.comment).sort()).toEqual([
      'Initial version',
      'Newer kernel',
      'Security updates',
    ])
    const latest = await firstValueFrom(modules.get(path))
    await done(modules.remove(path))
    expect(await firstValueFrom(modules.get(path))).toMatchObject({ commit: { comment: 'Newer kernel' } })
    const gone = await errorOf(modules.get(`${path}/${String(latest.version)}`))
    expect(gone).toBeInstanceOf(PermissionError)
    expect((gone as PermissionError).reason).toBe('Module deleted')
    const [first] = before.filter(({ commit }) => commit?.comment === 'Initial version')
    await done(modules.remove(`${path}/${String(first?.version)}`))
    expect(await listOf(modules.versions(path))).toHaveLength(1)
    await done(modules.remove(path))
    expect(await errorOf(modules.get(path))).toBeInstanceOf(NotFoundError)
    expect(await errorOf(site.clientOf().modules.remove('apps'))).toBeInstanceOf(PermissionError)
  })

  it('is copied, once under each name', async () => {
    const path = await copyOf('copy')
    const { modules } = site.clientOf()
    expect(await firstValueFrom(modules.get(path))).toMatchObject({ authz: { owner: 'jane' } })
    const again = modules.copy(`${TUTORIALS}/apache`, { project: TUTORIALS, name: 'copy' })
    expect(await errorOf(again)).toBeInstanceOf(PermissionError)
    const closed = modules.copy(`${TUTORIALS}/apache`, { project: 'apps', name: 'copy' })
    expect(await errorOf(closed)).toBeInstanceOf(PermissionError)
    const impossible = modules.copy(`${TUTORIALS}/apache`, { project: TUTORIALS, name: 'two & words%' })
    const error = await errorOf(impossible)
    expect(error).toBeInstanceOf(ConflictError)
    expect((error as ConflictError).reason).toBe('Invalid name: two & words%')
  })
})

describe('a component', () => {
  it('is updated into a new version, unpublished, and keeps what is not changed', async () => {
    const path = await copyOf('updated')
    const { modules, components } = site.clientOf()
    await done(modules.publish(path))
    const before = await firstValueFrom(modules.get(path))
    const parameters = await listOf(modules.parameters(path))
    const made = await firstValueFrom(
      components.update(path, { description: 'A <new> & "better" one', logoLink: 'https://x.test/a.svg' }),
    )
    expect(made.path).toBe(path)
    expect(made.version).toBeGreaterThan(before.version ?? Infinity)
    const after = await firstValueFrom(modules.get(path))
    expect(after).toMatchObject({
      version: made.version,
      description: 'A <new> & "better" one',
      logoLink: 'https://x.test/a.svg',
      moduleReferenceUri: 'module/examples/images/ubuntu-18.04',
      isBase: false,
    })
    expect(after.published).toBeUndefined()
    expect(await listOf(modules.parameters(path))).toEqual(parameters)
    expect((await firstValueFrom(modules.get(`${path}/${String(before.version)}`))).description).toBe(
      'Apache web server',
    )
  })

  it('has images in place of a reference, and a reference in place of images', async () => {
    const path = await copyOf('images')
    const { modules, components } = site.clientOf()
    const images = async (): Promise<Record<string, string>> =>
      Object.fromEntries(
        (await listOf(modules.imageIdentifiers(path))).map(({ cloudServiceName, cloudImageIdentifier }) => [
          cloudServiceName,
          cloudImageIdentifier,
        ]),
      )
    await done(components.update(path, { cloudImageIdentifiers: { 'ec2-eu-west': 'ami-1', other: 'x-1' } }))
    expect(await images()).toEqual({ 'ec2-eu-west': 'ami-1', other: 'x-1' })
    expect(await firstValueFrom(modules.get(path))).toMatchObject({ isBase: true, moduleReferenceUri: '' })
    await done(components.update(path, { cloudImageIdentifiers: { 'ec2-eu-west': 'ami-2', other: null } }))
    expect(await images()).toEqual({ 'ec2-eu-west': 'ami-2' })
    await done(components.update(path, { moduleReferenceUri: 'examples/images/ubuntu-18.04' }))
    expect(await images()).toEqual({})
    expect(await firstValueFrom(modules.get(path))).toMatchObject({
      isBase: false,
      moduleReferenceUri: 'module/examples/images/ubuntu-18.04',
    })
    const keepReferenceAndIdentifiers = true
    const both = { cloudImageIdentifiers: { other: 'x-2' }, keepReferenceAndIdentifiers }
    await done(components.update(path, both))
    expect(await images()).toEqual({ other: 'x-2' })
    expect(await firstValueFrom(modules.get(path))).toMatchObject({
      moduleReferenceUri: 'module/examples/images/ubuntu-18.04',
    })
  })

  it('whose update is refused is an error (defect 5), and an application is not written', async () => {
    const { components } = site.clientOf()
    const refused = await errorOf(components.update(`${TUTORIALS}/apache`, { description: 'mine' }))
    expect(refused).toBeInstanceOf(PermissionError)
    expect(refused).toMatchObject({ operation: 'slipstream.components.update' })
    const sent = site.requestsFromNow({ method: 'PUT' })
    const other = await errorOf(components.update(`${TUTORIALS}/web-farm`, { description: 'mine' }))
    expect(other).toBeInstanceOf(ConfigurationError)
    expect(other?.message).toContain("there is a module of type 'application'")
    expect(sent()).toEqual([])
  })
})

describe('a build', () => {
  it('goes through all states to Done, and tells the image, which is then the component’s', async () => {
    const path = await copyOf('built')
    const { components, modules } = site.clientOf()
    const { version } = await firstValueFrom(modules.get(path))
    // With its version and without module/ in front, which the reference client leaves to the server (defect 7).
    const build = components.build(`${path}/${String(version)}`, { ...everyPoll, cloud: 'ec2-eu-west' })
    const { events, error } = await outcomeOf(build.pipe(site.advancing(4_000)))
    expect(error).toBeUndefined()
    expect(courseOf(events)).toEqual([
      'submitted',
      'Initializing',
      'Provisioning',
      'Executing',
      'SendingReports',
      'Ready',
      'Finalizing',
      'Done',
      'done',
    ])
    const percents = events.flatMap((event) => (event.kind === 'progress' ? [event.percent ?? -1] : []))
    expect(percents).toEqual(percents.toSorted((one, other) => one - other))
    expect(new Set(percents).size).toBeGreaterThan(6)
    expect(percents.at(-1)).toBe(100)
    const last = events.at(-1)
    if (last?.kind !== 'done') throw new Error('expected done')
    const { cloud, imageId, deployment } = last.result
    expect(cloud).toBe('ec2-eu-west')
    expect(deployment).toMatchObject({ type: 'Machine', state: 'Done' })
    expect(await listOf(modules.imageIdentifiers(path))).toEqual([
      { cloudServiceName: 'ec2-eu-west', cloudImageIdentifier: imageId },
    ])

    const again = await errorOf(components.build(path, { cloud: 'ec2-eu-west' }))
    expect(again).toBeInstanceOf(ConflictError)
    expect((again as ConflictError).reason).toBe('This image was already built for cloud: ec2-eu-west')
  })

  it('that is aborted fails with the message', async () => {
    const path = await copyOf('broken')
    site.slipstream.runs.failNext({ state: 'Executing', message: 'No such package' })
    const build = site.clientOf().components.build(path, everyPoll)
    const { events, error } = await outcomeOf(build.pipe(site.advancing(4_000)))
    expect(error).toBeInstanceOf(OperationFailedError)
    expect(error?.message).toContain('No such package')
    expect(courseOf(events).at(-1)).toBe('Executing')
  })

  it.each<[string, string, new (...args: never[]) => Error, string]>([
    ['a base image', 'examples/images/ubuntu-18.04', ConflictError, 'A base image cannot be built'],
    ['nothing to install', `${TUTORIALS}/worker`, ConflictError, "doesn't need to be built"],
    ['no module', 'examples/none', NotFoundError, "Coudn't find reference module"],
    ['somebody’s secret', 'examples/restricted/secret', PermissionError, 'does not have the rights'],
  ])('of %s is refused', async (_, path, type, words) => {
    const error = await errorOf(site.clientOf().components.build(path))
    expect(error).toBeInstanceOf(type)
    expect((error as ValidationError).reason).toContain(words)
  })
})
