import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { join } from 'node:path'
import { describe } from 'vitest'

/** Where the documents lie that are not part of the project: `SKYSTREAM_SPECS`, by default beside it. */
const specs =
  process.env['SKYSTREAM_SPECS'] ?? fileURLToPath(new URL('../../../shared/specs', import.meta.url))

export const stackitSpecs = join(specs, 'stackit')
const there = existsSync(join(stackitSpecs, 'index.json'))

/** Tests that need STACKIT's documents; without them, their name says why they did not run. */
export function describeWithDocuments(name: string, tests: () => void): void {
  describe.skipIf(!there)(there ? name : `${name}: there are no documents in ${stackitSpecs}`, tests)
}
