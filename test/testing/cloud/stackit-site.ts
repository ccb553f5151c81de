import { afterAll, beforeAll } from 'vitest'
import {
  startCloud,
  type CloudOptions,
  type EmbeddedCloud,
  type StackitCloud,
} from '../../../src/testing/cloud/index.js'
import { call, type Answer } from './calls.js'
import { logIn } from './stackit-preparation.js'

/** Calls to the services of a cloud whose time stands still; `~` in paths is the project and region. */
export interface StackitSite {
  readonly cloud: EmbeddedCloud
  readonly stackit: StackitCloud
  get(service: string, path: string): Promise<Answer>
  post(service: string, path: string, json?: unknown): Promise<Answer>
  put(service: string, path: string, json?: unknown): Promise<Answer>
  patch(service: string, path: string, json?: unknown): Promise<Answer>
  remove(service: string, path: string): Promise<Answer>
  /** Path with the project and region filled in. */
  path(path: string): string
}

export function useStackit(options: CloudOptions = {}): StackitSite {
  let cloud: EmbeddedCloud
  let token: string
  beforeAll(async () => {
    cloud = await startCloud({ clouds: ['stackit'], clock: { manual: true }, ...options })
    token = await logIn(cloud.stackit)
  })
  afterAll(() => cloud.close())
  const path = (given: string): string => {
    const { projectId } = cloud.stackit
    return given
      .replace('~', `/v2/projects/${projectId}/regions/eu01`)
      .replace('{project}', projectId)
      .replace('{organization}', cloud.stackit.organizationId)
  }
  const send =
    (method: string) =>
    (service: string, given: string, json?: unknown): Promise<Answer> =>
      call(method, `${cloud.stackit.endpoint(service)}${path(given)}`, {
        headers: { authorization: `Bearer ${token}` },
        ...(json === undefined ? {} : { json }),
      })
  return {
    get cloud() {
      return cloud
    },
    get stackit() {
      return cloud.stackit
    },
    get: send('GET'),
    post: send('POST'),
    put: send('PUT'),
    patch: send('PATCH'),
    remove: send('DELETE'),
    path,
  }
}
