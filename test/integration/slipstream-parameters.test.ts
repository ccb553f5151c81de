import { inspect } from 'node:util'
import { firstValueFrom, lastValueFrom, tap, toArray } from 'rxjs'
import { describe, expect, it } from 'vitest'
import { ConfigurationError, NotFoundError, OperationFailedError, PermissionError } from '../../src/errors.js'
import { done, errorOf, listOf, outcomeOf, slipstreamSite } from './slipstream-site.js'

const site = slipstreamSite()
const quick = { interval: 1 } as const

function deployed(state: 'Initializing' | 'Executing' | 'Ready', module?: string): string {
  const seed = { owner: 'jane', ...(module === undefined ? {} : { module }) }
  const [id = ''] = site.slipstream.runs.create({ ...seed, state })
  return id
}
const abortOf = (id: string): string | undefined => site.slipstream.runs.get(id)?.abort

describe('runtime parameters', () => {
  it('are all told, with what is known of each, and no password is shown', async () => {
    const id = deployed('Ready')
    const all = await listOf(site.clientOf().deployments.parameters(id))
    const byKey = new Map(all.map((parameter) => [parameter.key, parameter]))
    expect(byKey.get('ss:state')).toMatchObject({ value: 'Ready', isSet: true, group: 'Global' })
    expect(byKey.get('ss:abort')).toMatchObject({ isSet: false })
    expect(byKey.get('ss:abort')).not.toHaveProperty('value')
    expect(byKey.get('machine:hostname')?.value).toMatch(/^\d+\.\d+\.\d+\.\d+$/)
    expect(byKey.get('machine:admin_password')?.value).toBe('wordpress-admin')
    expect(inspect(all) + JSON.stringify(all)).not.toContain('wordpress-admin')
  })

  it('are read as text (defect 6), or are not set', async () => {
    const { deployments } = site.clientOf()
    const id = deployed('Ready')
    const user = await firstValueFrom(deployments.getParameter(id, 'machine:admin_user'))
    expect(user).toBe('admin')
    const young = deployed('Initializing')
    expect(await firstValueFrom(deployments.getParameter(young, 'machine:hostname'))).toBeUndefined()
    expect(await firstValueFrom(deployments.getParameter(young, 'machine:vmstate'))).toBe('Unknown')
  })

  it('that there are not are asked of nobody: the deployment is not aborted', async () => {
    const { deployments } = site.clientOf()
    const id = deployed('Ready')
    const sent = site.requestsFromNow({ path: '/run/*' })
    const error = await errorOf(deployments.getParameter(id, 'machine:hostnmae'))
    expect(error).toBeInstanceOf(ConfigurationError)
    expect(error?.message).toContain("no parameter 'machine:hostnmae'")
    expect((error as ConfigurationError).lookedAt).toContain('machine:hostname')
    const other = await errorOf(deployments.getParameter(id, 'node.1:hostname'))
    expect((other as ConfigurationError).lookedAt).toEqual(['machine:hostname'])
    expect(sent().map(({ path }) => path)).toEqual([`/run/${id}`, `/run/${id}`])
    expect(abortOf(id)).toBe('')
    expect(site.slipstream.runs.get(id)?.state).toBe('Ready')
  })

  it('of an aborted deployment are a failure, unless that is ignored', async () => {
    const { deployments } = site.clientOf()
    const id = deployed('Ready')
    site.slipstream.runs.abort(id, 'Out of luck')
    const error = await errorOf(deployments.getParameter(id, 'machine:admin_user'))
    expect(error).toBeInstanceOf(OperationFailedError)
    expect(error?.message).toContain('Out of luck')
    const ignoring = deployments.getParameter(id, 'machine:admin_user', { ignoreAbort: true })
    expect(await firstValueFrom(ignoring)).toBe('admin')
  })

  it('of a deployment that there is not, or of somebody else, are errors of their kind', async () => {
    const { deployments } = site.clientOf()
    const [bobs = ''] = site.slipstream.runs.create({ owner: 'bob' })
    expect(await errorOf(deployments.getParameter('no-such', 'ss:state'))).toBeInstanceOf(NotFoundError)
    expect(await errorOf(deployments.parameters(bobs))).toBeInstanceOf(PermissionError)
  })
})

describe('a stream of a parameter', () => {
  it('waits while it is not set (412), tells each change, and ends with the deployment', async () => {
    const { deployments } = site.clientOf()
    const id = deployed('Executing')
    const { runs } = site.slipstream
    const key = 'machine:admin_email'
    const sent = site.requestsFromNow({ path: `/run/${id}/${key}` })
    const values = lastValueFrom(
      deployments.parameter(id, key, quick).pipe(
        tap((value) => {
          if (value === 'one@example.org') runs.setParameter(id, key, 'two & <more>')
          else runs.setState(id, 'Done')
        }),
        toArray(),
      ),
    )
    while (sent().filter(({ status }) => status === 412).length < 2) await done(deployments.get(id))
    runs.setParameter(id, key, 'one@example.org')
    expect(await values).toEqual(['one@example.org', 'two & <more>'])
    expect(sent()[0]).toMatchObject({ search: 'ignoreabort=false', headers: { accept: 'text/plain' } })
    expect(abortOf(id)).toBe('')
  })

  it('waits for a key that does not exist, and never asks for it', async () => {
    const { deployments } = site.clientOf()
    const id = deployed('Executing')
    const sent = site.requestsFromNow({ path: `/run/${id}*` })
    const waiting = outcomeOf(deployments.parameter(id, 'machine:no-such-key', quick))
    while (sent().length < 5) await listOf(deployments.list({ limit: 1 }))
    site.slipstream.runs.setState(id, 'Done')
    expect(await waiting).toEqual({ events: [] })
    expect(new Set(sent().map(({ path }) => path))).toEqual(new Set([`/run/${id}`]))
    expect(abortOf(id)).toBe('')
  })

  it('of an instance to come has its value when it has come', async () => {
    const { deployments } = site.clientOf()
    const seed = { owner: 'jane', module: 'examples/tutorials/web-farm', mutable: true, moves: true }
    const [id = ''] = site.slipstream.runs.create(seed)
    site.slipstream.runs.setState(id, 'Ready')
    const sent = site.requestsFromNow({ path: `/run/${id}` })
    const hostname = firstValueFrom(deployments.parameter(id, 'worker.3:hostname', quick))
    while (sent().length < 2) await listOf(deployments.list({ limit: 1 }))
    await firstValueFrom(deployments.addInstances(id, 'worker', 1))
    site.cloud.clock.advance(60_000)
    expect(await hostname).toBe(site.slipstream.runs.get(id)?.parameters['worker.3:hostname'])
    expect(abortOf(id)).toBe('')
  })

  it('fails with the message of an abort (409), or goes on if that is ignored', async () => {
    const { deployments } = site.clientOf()
    const id = deployed('Executing')
    const key = 'machine:admin_email'
    const { runs } = site.slipstream
    const sent = site.requestsFromNow({ path: `/run/${id}/*` })
    const failing = outcomeOf(deployments.parameter(id, key, quick))
    const going = lastValueFrom(deployments.parameter(id, key, { ...quick, ignoreAbort: true }))
    while (sent().length < 4) await listOf(deployments.list({ limit: 1 }))
    runs.abort(id, 'Out of luck')
    const { error } = await failing
    expect(error).toBeInstanceOf(OperationFailedError)
    expect(error?.message).toContain('Out of luck')
    runs.setParameter(id, key, 'late@example.org')
    while (!sent().some(({ path, status }) => path.endsWith(key) && status === 200)) {
      await listOf(deployments.list({ limit: 1 }))
    }
    runs.setState(id, 'Aborted')
    expect(await going).toBe('late@example.org')
    expect(abortOf(id)).toBe('Out of luck')
  })
})
