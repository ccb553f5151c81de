import { setValue, valueOf, type Instance, type Run, type RunNode } from './run-model.js'

/** All instances of a node that there ever were, in the order of their ids. */
export function instancesOf(run: Run, node: string): readonly Instance[] {
  return [...run.instances.values()].filter(
    (instance) => instance.kind !== 'orchestrator' && instance.node === node,
  )
}

export function idsOf(run: Run, node: string): readonly number[] {
  return valueOf(run, `${node}:ids`)
    .split(',')
    .filter((id) => id !== '')
    .map(Number)
}

export function setIds(run: Run, node: RunNode, ids: readonly number[]): void {
  setValue(run, `${node.name}:ids`, ids.join(','))
  setValue(run, `${node.name}:multiplicity`, String(ids.length))
}
