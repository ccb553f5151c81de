import { legacyDate } from './dates.js'
import type { Account } from '../tools.js'
import { element, mapEntry, type XmlElement, type XmlValue } from './xml-writer.js'

/** How long a user counts as online after a request of his. */
const ONLINE_MS = 10 * 60_000
export const ORCHESTRATOR_KEY = 'General.orchestrator.publicsshkey'

interface About {
  readonly description: string
  readonly type: string
  readonly value: string
  readonly readonly?: boolean
}

const GENERAL: Readonly<Record<string, About>> = {
  'General.default.cloud.service': { description: 'Default cloud', type: 'Enum', value: '' },
  'General.keep-running': { description: 'Keep running after deployment', type: 'Enum', value: 'on-success' },
  'General.Verbosity Level': { description: 'Level of verbosity', type: 'Enum', value: '1' },
  'General.Timeout': { description: 'Timeout in minutes', type: 'String', value: '30' },
  'General.mail-usage': { description: 'Mail about usage', type: 'Enum', value: 'never' },
  'General.ssh.public.key': {
    description: 'SSH public keys, one per line',
    type: 'RestrictedText',
    value: '',
  },
  [ORCHESTRATOR_KEY]: {
    description: 'SSH public key of orchestrators',
    type: 'RestrictedText',
    value: 'ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAAAQQ orchestrator@slipstream',
    readonly: true,
  },
}
const OF_CLOUD: Readonly<Record<string, About>> = {
  username: { description: 'Account or key', type: 'RestrictedString', value: '' },
  password: { description: 'Password or secret', type: 'Password', value: '' },
}

/** `GET /user/<name>` (slipstream dossier 4.4); the password never leaves the server. */
export function userView(account: Account, clouds: readonly string[], now: number): XmlElement {
  const known = new Map(Object.entries(GENERAL))
  for (const cloud of clouds) {
    for (const [name, about] of Object.entries(OF_CLOUD)) known.set(`${cloud}.${name}`, about)
  }
  for (const name of account.parameters.keys()) {
    if (!known.has(name)) known.set(name, { description: '', type: 'String', value: '' })
  }
  const entries = [...known].map(([name, about]) =>
    parameterEntry(name, about, account.parameters.get(name) ?? about.value),
  )
  const attributes = {
    ...userAttributes(account, now),
    creation: legacyDate(account.creation),
    deleted: false,
  }
  return element('user', attributes, [element('parameters', {}, entries)])
}

/** An item of `GET /users`. */
export function userItem(account: Account, now: number, lastExecute: number | undefined): XmlElement {
  return element('item', {
    ...userAttributes(account, now),
    lastExecute: lastExecute === undefined ? undefined : legacyDate(lastExecute),
  })
}

function userAttributes(account: Account, now: number): Readonly<Record<string, XmlValue>> {
  const { name, email, firstName, lastName, state, organization, roles, issuper, lastOnline } = account
  return {
    name,
    resourceUri: `user/${name}`,
    email,
    firstName,
    lastName,
    state,
    organization,
    roles,
    issuper,
    activeSince: legacyDate(account.creation),
    lastOnline: lastOnline > 0 ? legacyDate(lastOnline) : undefined,
    online: lastOnline > 0 && now - lastOnline < ONLINE_MS,
  }
}

function parameterEntry(name: string, about: About, value: string): XmlElement {
  return mapEntry(
    name,
    element(
      'parameter',
      {
        name,
        category: name.slice(0, name.indexOf('.')),
        description: about.description,
        isSet: value !== '',
        mandatory: false,
        readonly: about.readonly ?? false,
        type: about.type,
        order: 0,
        order_: 0,
      },
      value === '' ? [] : [element('value', {}, [value])],
    ),
  )
}
