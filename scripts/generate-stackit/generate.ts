import type { Files } from '../generate/folder.js'
import type { Service } from '../generate/model.js'
import { openDocuments, type Documents } from './documents.js'
import { allFile, serviceFiles } from './files.js'
import { pageOf } from './paging.js'
import { readService } from './service.js'
import { waiterReader } from './waiters.js'

/** All files of the cloud's folder that are generated, by their paths in it. */
export function generateStackit(specs: string): Files {
  const documents = openDocuments(specs)
  const services = readServices(documents)
  const waitersOf = waiterReader(documents.waiters)
  const files = services.flatMap((service) => [...serviceFiles(service, pageOf, waitersOf)])
  return new Map([
    ...files.map(([path, content]) => [`services/${path}`, content] as const),
    ['all.ts', allFile(services)],
  ])
}

export function readServices({ index, openEnums, read }: Documents): readonly Service[] {
  return index.map((row) => readService(row, read(row), openEnums[`${row.service}/${row.version}`]))
}
