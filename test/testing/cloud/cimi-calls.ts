import { call, text, type Answer, type Json } from './calls.js'

/** The JSON API of a SlipStream or Nuvla server, as one caller uses it. */
export interface CimiCalls {
  get(path: string): Promise<Answer>
  /** A search in its form: parameters in the body. */
  search(collection: string, parameters?: Readonly<Record<string, string>>): Promise<Answer>
  post(path: string, json?: unknown): Promise<Answer>
  put(path: string, json: unknown): Promise<Answer>
  remove(path: string): Promise<Answer>
}

/** `cookie` as a client sends it back: a name and a value. */
export function cimiCalls(url: string, cookie?: string): CimiCalls {
  const headers: Record<string, string> = {
    accept: 'application/json',
    ...(cookie === undefined ? {} : { cookie }),
  }
  const send = (method: string, path: string, json?: unknown): Promise<Answer> =>
    call(method, `${url}/api/${path}`, json === undefined ? { headers } : { headers, json })
  return {
    get: (path) => send('GET', path),
    post: (path, json) => send('POST', path, json),
    put: (path, json) => send('PUT', path, json),
    remove: (path) => send('DELETE', path),
    search(collection, parameters) {
      if (parameters === undefined) return send('PUT', collection)
      return call('PUT', `${url}/api/${collection}`, {
        headers: { ...headers, 'content-type': 'application/x-www-form-urlencoded' },
        body: new URLSearchParams(parameters).toString(),
      })
    },
  }
}

/** The text of the one cookie that an answer sets. */
export function setCookieOf(answer: Answer): string {
  const [cookie, ...more] = [answer.headers['set-cookie'] ?? []].flat()
  if (cookie === undefined || more.length > 0) throw new Error('The answer does not set one cookie')
  return cookie
}

/** The cookie as it is sent back. */
export function cookieOf(answer: Answer): string {
  return setCookieOf(answer).split(';', 1).join('')
}

/** What a JWT says, unchecked; of a cookie that holds one, too. */
export function claimsOf(token: string): Json {
  const payload = token.split('=').at(-1)?.split('.')[1] ?? ''
  return JSON.parse(Buffer.from(payload, 'base64url').toString()) as Json
}

/** Which operations a document or a collection offers. */
export function relsOf(document: Json | undefined): readonly string[] {
  return [...(document?.['operations'] ?? [])].map((operation) => text(operation['rel']))
}
