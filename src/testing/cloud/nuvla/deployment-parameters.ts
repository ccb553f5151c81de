import { createHash } from 'node:crypto'
import type { DocumentStore } from '../slipstream/cimi/store.js'
import { ownedBy } from './dialect.js'

/** What deployments tell about themselves while they run, a document for each name. */
export interface DeploymentParameters {
  set(deployment: string, values: Readonly<Record<string, string>>): void
  removeAll(deployment: string): void
}

export function createDeploymentParameters(
  store: DocumentStore,
  /** Node and owner of a deployment. */
  facts: (deployment: string) => { readonly node: string; readonly owner: string },
): DeploymentParameters {
  return {
    set(parent, values) {
      const { node, owner } = facts(parent)
      for (const [name, value] of Object.entries(values)) {
        const id = idOf(parent, node, name)
        if (store.get(id) !== undefined) store.update(id, { value })
        else
          store.add('deployment-parameter', { id, parent, 'node-id': node, name, value, acl: ownedBy(owner) })
      }
    },
    removeAll(deployment) {
      for (const { id, parent } of store.list('deployment-parameter'))
        if (parent === deployment) store.remove(id)
    },
  }
}

/** The same parameter has the same id for ever. */
function idOf(...parts: readonly string[]): string {
  const digits = createHash('sha256').update(parts.join(' ')).digest('hex')
  const [a, b, c, d, e] = [
    [0, 8],
    [8, 12],
    [12, 16],
    [16, 20],
    [20, 32],
  ].map(([from, to]) => digits.slice(from, to))
  return `deployment-parameter/${[a, b, c, d, e].join('-')}`
}
