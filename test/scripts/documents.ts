import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { join } from 'node:path'
import { describe, it } from 'vitest'

/** Where the documents lie that are not part of the project: `SKYSTREAM_SPECS`, by default beside it. */
const stated = process.env['SKYSTREAM_SPECS']
const specs = stated ?? fileURLToPath(new URL('../../../shared/specs', import.meta.url))

export const stackitSpecs = join(specs, 'stackit')
export const hasDocuments = existsSync(join(stackitSpecs, 'index.json'))

// Who says where they are does not want the tests to be skipped.
if (stated !== undefined && !hasDocuments) throw new Error(`there are no documents in ${stackitSpecs}`)

/** Tests that need STACKIT's documents; without them, their name says why they did not run. */
export function describeWithDocuments(name: string, tests: () => void): void {
  if (hasDocuments) describe(name, tests)
  else it.skip(`${name}: there are no documents in ${stackitSpecs}`, () => undefined)
}
