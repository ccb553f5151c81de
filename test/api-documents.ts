import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { join } from 'node:path'
import { describe, it } from 'vitest'

/** Where the documents lie that are not part of the project: `SKYSTREAM_SPECS`, by default beside it. */
const stated = process.env['SKYSTREAM_SPECS']
const specs = stated ?? fileURLToPath(new URL('../../shared/specs', import.meta.url))

export const stackitSpecs = join(specs, 'stackit')
export const hasDocuments = existsSync(join(stackitSpecs, 'index.json'))
const reason = `there are no API documents in ${stackitSpecs}`

// Who says where they are does not want the tests to be skipped.
if (stated !== undefined && !hasDocuments) throw new Error(reason)
// The usual reporters keep the titles of skipped suites to themselves.
if (!hasDocuments) process.stderr.write(`no tests against the API documents: ${reason}\n`)

/** A suite that needs STACKIT's documents, which it may read while it is collected. Without them it is skipped, and its title says why. */
export function describeWithDocuments(name: string, tests: () => void): void {
  describe.skipIf(!hasDocuments)(
    hasDocuments ? name : `${name} (skipped: ${reason})`,
    hasDocuments ? tests : needDocuments,
  )
}

function needDocuments(): void {
  it('needs the documents', () => {
    throw new Error(reason)
  })
}
