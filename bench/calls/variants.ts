import { Agent } from 'node:http'
import { checkServer, TOKEN, type ServerDetail, type Target } from './target.js'

/** Starts one complete call: asks, reads the body, parses it, checks a field, then says so. */
export type Call = (done: () => void, fail: (error: unknown) => void) => void

/** Makes a client for the target. Its library is loaded here, so that no variant pays for another. */
type Variant = (target: Target) => Promise<Call>

interface Answer {
  readonly server: ServerDetail
}

const headers = { accept: 'application/json', 'x-auth-token': TOKEN }

const ofPromises =
  (get: () => Promise<Answer>): Call =>
  (done, fail) => {
    get()
      .then(({ server }) => {
        checkServer(server)
        done()
      })
      .catch(fail)
  }

/** The variant that all others are compared with. */
export const BASELINE = 'undici.request'

export const variants: Readonly<Record<string, Variant>> = {
  [BASELINE]: async ({ serverUrl }) => {
    const { request } = await import('undici')
    return ofPromises(async () => {
      const { body } = await request(serverUrl, { headers })
      return (await body.json()) as Answer
    })
  },

  'Pool.request': async ({ serverUrl }) => {
    const { Pool } = await import('undici')
    const { origin, pathname: path } = new URL(serverUrl)
    const pool = new Pool(origin)
    return ofPromises(async () => {
      const { body } = await pool.request({ method: 'GET', path, headers })
      return (await body.json()) as Answer
    })
  },

  skystream: async ({ authUrl }) => {
    const { createSynnefo } = await import('skystream/synnefo')
    const { servers } = createSynnefo({ authUrl, token: TOKEN })
    return (done, fail) => {
      servers.get(42).subscribe({ next: checkServer, error: fail, complete: done })
    }
  },

  'undici fetch': async ({ serverUrl }) => {
    const { fetch } = await import('undici')
    return ofPromises(async () => {
      const response = await fetch(serverUrl, { headers })
      return (await response.json()) as Answer
    })
  },

  'core-rest-pipeline': async ({ serverUrl: url }) => {
    const azure = await import('@azure/core-rest-pipeline')
    const client = azure.createDefaultHttpClient()
    const pipeline = azure.createPipelineFromOptions({})
    return ofPromises(async () => {
      const request = azure.createPipelineRequest({
        url,
        headers: azure.createHttpHeaders(headers),
        allowInsecureConnection: true,
      })
      const { bodyAsText } = await pipeline.sendRequest(client, request)
      return JSON.parse(bodyAsText ?? '') as Answer
    })
  },

  axios: async ({ serverUrl }) => {
    const { default: axios } = await import('axios')
    const client = axios.create({ headers, httpAgent: new Agent({ keepAlive: true }) })
    return ofPromises(async () => (await client.get<Answer>(serverUrl)).data)
  },

  got: async ({ serverUrl }) => {
    const { default: got } = await import('got')
    const client = got.extend({ headers, agent: { http: new Agent({ keepAlive: true }) } })
    return ofPromises(() => client.get(serverUrl).json<Answer>())
  },
}
