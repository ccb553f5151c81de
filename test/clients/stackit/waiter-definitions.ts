import { readdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { ServiceDefinition, WaiterRow } from '../../../src/clients/stackit/service-definition.js'

const services = new URL('../../../src/clients/stackit/services/', import.meta.url)

/** A waiter of a service in one version. */
export interface WaiterCase {
  /** `iaas/v2 createServer` */
  readonly title: string
  readonly definition: ServiceDefinition
  readonly name: string
  readonly row: WaiterRow
}

/** Every waiter of every version of every service. */
export async function allWaiters(): Promise<readonly WaiterCase[]> {
  const files = readdirSync(fileURLToPath(services), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('waiters.ts'))
    .map((file) => file.replace(/waiters\.ts$/, 'index.ts'))
    .sort()
  const modules = await Promise.all(
    files.map((file) => import(new URL(file, services).href) as Promise<Record<string, ServiceDefinition>>),
  )
  return modules.flatMap((module) =>
    Object.values(module).flatMap((definition) =>
      Object.entries(definition.waiters ?? {}).map(([name, row]) => ({
        title: `${definition.service}/${definition.version} ${name}`,
        definition,
        name,
        row,
      })),
    ),
  )
}
