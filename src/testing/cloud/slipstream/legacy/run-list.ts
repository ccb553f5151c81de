import type { Exchange } from '../../service.js'
import type { Caller } from '../tools.js'
import { forbidden } from './failure.js'
import { isTruthy, readPage } from './requests.js'
import { isFinal, type Run } from './run-model.js'
import type { RunStore } from './run-store.js'
import { runItem } from './run-view.js'
import { element, type XmlElement } from './xml-writer.js'

/** `GET /run`: a page of the runs that the caller may see, newest first (slipstream dossier 4.2). */
export function listRuns(exchange: Exchange, caller: Caller, store: RunStore): XmlElement {
  const { query } = exchange
  const { offset, limit } = readPage(exchange)
  const cloud = query.get('cloud') ?? ''
  const activeOnly = isTruthy(query.get('activeOnly'))
  const moduleUri = query.get('moduleResourceUri') ?? ''
  const user = query.get('user') ?? ''
  const owner = query.get('runOwner') ?? ''
  if (user !== '' && !caller.privileged) throw forbidden('Only privileged users may list the runs of others')
  const wanted = (run: Run): boolean =>
    maySee(run, caller) &&
    (user === '' || run.owner === user) &&
    (owner === '' || run.owner === owner) &&
    (!activeOnly || !isFinal(run.state)) &&
    (cloud === '' || run.clouds.join(',').includes(cloud)) &&
    (moduleUri === '' || run.moduleUri === moduleUri)
  const { runs, total } = store.page(wanted, offset, limit)
  return element('runs', { offset, limit, count: runs.length, totalCount: total, cloud }, runs.map(runItem))
}

/** The runs of one version of a module, as they stand in its document. */
export function runsOfModule(store: RunStore, caller: Caller, moduleUri: string): XmlElement {
  const limit = 20
  const { runs, total } = store.page((run) => run.moduleUri === moduleUri && maySee(run, caller), 0, limit)
  const attributes = { count: runs.length, limit, offset: 0, totalCount: total }
  return element('runs', attributes, runs.map(runItem))
}

export const maySee = (run: Run, caller: Caller): boolean =>
  caller.privileged || run.owner === caller.username
