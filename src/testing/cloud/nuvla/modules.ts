import type { Chance } from '../chance.js'
import type { Collection } from '../slipstream/cimi/collections.js'
import type { Fields } from '../slipstream/cimi/json.js'
import type { Document, DocumentStore } from '../slipstream/cimi/store.js'
import { readableBy, USERS } from './dialect.js'

export interface Modules {
  readonly collection: Collection
  /** An application of two versions that tells its address. */
  readonly application: Document
  readonly component: Document
  /** By id, with or without `_<version>`. */
  readonly find: (id: string) => Document | undefined
}

/** What can be deployed. */
export function createModules(store: DocumentStore, chance: Chance): Modules {
  const add = (path: string, subtype: string, versions: readonly Fields[], more: Fields = {}): Document => {
    const content = versions.at(-1)
    return store.add('module', {
      id: `module/${chance.uuid()}`,
      path,
      'parent-path': path.split('/').slice(0, -1).join('/'),
      name: path.split('/').at(-1),
      subtype,
      versions: versions.map(({ id, author, commit }) => ({ href: id, author, commit })),
      ...(content === undefined ? {} : { content }),
      ...more,
      acl: readableBy(USERS),
    })
  }
  const contentOf = (kind: string, commit: string, more: Fields): Fields => ({
    id: `module-${kind}/${chance.uuid()}`,
    author: 'super@example.org',
    commit,
    ...more,
  })
  const wordpress = (commit: string, image: string): Fields =>
    contentOf('application', commit, {
      'docker-compose': `version: "3.3"\nservices:\n  wordpress:\n    image: ${image}\n    ports:\n      - "80"\n`,
      urls: [
        ['wordpress', 'http://${hostname}:${tcp.80}'],
        ['admin', 'http://${hostname}:${tcp.80}/wp-admin'],
      ],
      'output-parameters': [
        { name: 'hostname', description: 'Address of the deployment' },
        { name: 'tcp.80', description: 'Published port' },
      ],
      'environmental-variables': [{ name: 'WORDPRESS_TITLE', value: 'Hello', required: false }],
    })
  add('apps', 'project', [])
  const application = add('apps/wordpress', 'application', [
    wordpress('first', 'wordpress:6.4'),
    wordpress('newer image', 'wordpress:6.5'),
  ])
  const component = add('apps/nginx', 'component', [
    contentOf('component', 'first', {
      image: { 'image-name': 'nginx', tag: '1.27' },
      architectures: ['amd64', 'arm64'],
      ports: [{ protocol: 'tcp', 'target-port': 80 }],
      urls: [['nginx', 'http://${hostname}:${tcp.80}']],
      'output-parameters': [],
    }),
  ])
  const find = (id: string): Document | undefined => {
    const [, plain = id, version] = /^(.+)_(\d+)$/.exec(id) ?? []
    const module = store.get(plain)
    if (module === undefined || version === undefined) return module
    const versions = Array.isArray(module['versions']) ? module['versions'] : []
    return Number(version) < versions.length ? module : undefined
  }
  return {
    application,
    component,
    find,
    collection: { name: 'module', acl: readableBy(USERS), find: (rest) => find(`module/${rest}`) },
  }
}
