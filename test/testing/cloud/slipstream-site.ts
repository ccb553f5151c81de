import { parseXml, XmlElement } from '@rgrove/parse-xml'
import { startCloud, type CloudOptions, type EmbeddedCloud } from '../../../src/testing/cloud/index.js'
import { call, type Answer } from './calls.js'

/** An element of an answer. */
export interface Xml {
  readonly name: string
  readonly attributes: Readonly<Record<string, string>>
  readonly text: string
  readonly children: readonly Xml[]
  /** The first child of this name; fails if there is none. */
  child(name: string): Xml
  all(name: string): readonly Xml[]
}

export function readXml(text: string): Xml {
  const { root } = parseXml(text)
  if (root === null) throw new Error('The document has no element')
  return wrap(root)
}

function wrap(element: XmlElement): Xml {
  const children = element.children.filter((child) => child instanceof XmlElement).map(wrap)
  return {
    name: element.name,
    attributes: element.attributes,
    text: element.text,
    children,
    all: (name) => children.filter((child) => child.name === name),
    child(name) {
      const found = children.find((child) => child.name === name)
      if (found === undefined) throw new Error(`${element.name} has no ${name}`)
      return found
    },
  }
}

export type Form = Readonly<Record<string, string>>
export interface Extra {
  readonly accept?: string
  readonly form?: Form
  readonly xml?: string
  readonly text?: string
  readonly body?: Uint8Array
}

/** The legacy side as one user calls it. */
export interface Caller {
  send(method: string, path: string, extra?: Extra): Promise<Answer>
  get(path: string, accept?: string): Promise<Answer>
  /** The document at this path; fails unless the answer is 200. */
  document(path: string): Promise<Xml>
  /** Status and detail of the error. */
  fault(method: string, path: string, extra?: Extra): Promise<readonly [number, string | undefined]>
  /** Deploys and tells the id. */
  deploy(form: Form): Promise<string>
}

export interface SlipstreamSite {
  readonly cloud: EmbeddedCloud
  readonly url: string
  readonly jane: Caller
  readonly bob: Caller
  readonly root: Caller
  readonly nobody: Caller
  readonly advance: (ms: number) => void
}

export async function startSlipstream(options: CloudOptions = {}): Promise<SlipstreamSite> {
  const cloud = await startCloud({ clouds: ['slipstream'], clock: { manual: true }, ...options })
  const { url, user, otherUser, privilegedUser } = cloud.slipstream
  const logIn = async (login: { readonly username: string; readonly password: string }): Promise<Caller> => {
    const answer = await call('POST', `${url}/api/session`, {
      json: { sessionTemplate: { href: 'session-template/internal', ...login } },
    })
    const cookie = String(answer.headers['set-cookie']).split(';', 1)[0] ?? ''
    return callerWith(url, cookie)
  }
  return {
    cloud,
    url,
    jane: await logIn(user),
    bob: await logIn(otherUser),
    root: await logIn(privilegedUser),
    nobody: callerWith(url, undefined),
    advance: (ms) => {
      cloud.clock.advance(ms)
    },
  }
}

function callerWith(url: string, cookie: string | undefined): Caller {
  const send: Caller['send'] = (method, path, extra = {}) => {
    const type =
      extra.form !== undefined
        ? 'application/x-www-form-urlencoded'
        : extra.xml !== undefined
          ? 'application/xml'
          : 'text/plain'
    const body =
      extra.form === undefined ? (extra.xml ?? extra.text) : new URLSearchParams(extra.form).toString()
    return call(method, `${url}${path}`, {
      headers: {
        accept: extra.accept ?? 'application/xml',
        ...(cookie === undefined ? {} : { cookie }),
        ...(body === undefined ? {} : { 'content-type': type }),
      },
      body: extra.body ?? body ?? null,
    })
  }
  return {
    send,
    get: (path, accept) => send('GET', path, accept === undefined ? {} : { accept }),
    async document(path) {
      const answer = await send('GET', path)
      if (answer.status !== 200) throw new Error(`GET ${path}: ${String(answer.status)} ${answer.text}`)
      return readXml(answer.text)
    },
    async fault(method, path, extra) {
      const answer = await send(method, path, extra)
      return [answer.status, answer.text === '' ? undefined : readXml(answer.text).attributes['detail']]
    },
    async deploy(form) {
      const answer = await send('POST', '/run', { form })
      if (answer.status !== 201) throw new Error(`POST /run: ${String(answer.status)} ${answer.text}`)
      return String(answer.headers.location).split('/').at(-1) ?? ''
    },
  }
}
