import { badRequest, conflict, notFound } from './failure.js'
import { isTruthy } from './requests.js'
import { addNodeInstance } from './run-creation.js'
import { idsOf, setIds } from './run-instances.js'
import { abortOf, setValue, type Instance, type Run, type RunNode } from './run-model.js'
import { mapParameters } from './run-parameters.js'
import type { LegacyState } from './state.js'
import { checkQuota } from './usage.js'

const MOST_PER_ACTION = 100

export function refuseAborted(run: Run): void {
  if (abortOf(run) !== '') throw conflict('Abort flag raised!')
}

function checkScalable(run: Run): void {
  if (!run.mutable) throw conflict("Can't add/remove instances. Run is not mutable.")
  if (run.state !== 'Ready') {
    throw conflict(
      `Can't add/remove instances. Incompatible state ${run.state}. This can only be performed on state Ready`,
    )
  }
}

/** Adds instances to a node and tells their names (slipstream dossier 5, Scaling). */
export function scaleUp(state: LegacyState, run: Run, nodeName: string, body: string): readonly string[] {
  refuseAborted(run)
  checkScalable(run)
  const node = run.nodes.get(nodeName)
  if (node === undefined) throw badRequest(`Node ${nodeName} doesn't exist.`)
  const count = readCount(body)
  if (count > MOST_PER_ACTION) {
    throw conflict(`Limit exceeded. Maximum ${MOST_PER_ACTION} VMs per scale action.`)
  }
  checkQuota(state, run.owner, new Map([[node.cloud, count]]))
  const creation = state.tools.wallNow()
  const added: Instance[] = []
  for (let index = 0; index < count; index += 1) {
    const instance = addNodeInstance(run, node, ++node.lastId, creation)
    mapParameters(run, instance, node)
    added.push(instance)
  }
  setIds(run, node, [...idsOf(run, nodeName), ...added.flatMap(({ id }) => id ?? [])])
  const names = added.map(({ name }) => name)
  state.runMachine.recordAction(
    run,
    `Scaling up '${nodeName}' with ${count} new instances: [${names.join(', ')}]`,
  )
  state.runMachine.enter(run, 'Provisioning')
  return names
}

function readCount(body: string): number {
  if (body === '') return 1
  const text = new URLSearchParams(body).get('n')
  if (text === null) throw badRequest('No form parameter n=# found in the scale-up request.')
  if (!/^\d{1,9}$/.test(text)) throw badRequest('Number of instances to add should be an integer.')
  return Number(text)
}

/** Removes instances by their ids. */
export function scaleDown(state: LegacyState, run: Run, nodeName: string, form: URLSearchParams): void {
  refuseAborted(run)
  const idsOnly = isTruthy(form.get('delete-ids-only'))
  if (!idsOnly) checkScalable(run)
  const node = run.nodes.get(nodeName)
  if (node === undefined) throw badRequest(`Invalid nodename: ${nodeName}`)
  const ids = readIds(form.get('ids') ?? '', run, node)
  setIds(
    run,
    node,
    idsOf(run, nodeName).filter((id) => !ids.includes(id)),
  )
  if (idsOnly) return
  for (const id of ids) setValue(run, `${nodeName}.${id}:scale.state`, 'removing')
  state.runMachine.recordAction(
    run,
    `Scaling down '${nodeName}' by deleting ${ids.length} instances: [${ids.join(', ')}]`,
  )
  state.runMachine.enter(run, 'Provisioning')
}

function readIds(text: string, run: Run, node: RunNode): readonly number[] {
  if (text.trim() === '') {
    throw badRequest('Provide list of node instance IDs to be removed from the Run.')
  }
  const present = idsOf(run, node.name)
  return text.split(',').map((part) => {
    const id = part.trim()
    if (!/^\d{1,9}$/.test(id)) throw badRequest(`Invalid instance name: ${id}`)
    // Unverified.
    if (!present.includes(Number(id))) throw notFound(`Unknown instance: ${node.name}.${id}`)
    return Number(id)
  })
}
