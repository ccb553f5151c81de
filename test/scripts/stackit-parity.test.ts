import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { openDocuments } from '../../scripts/generate-stackit/documents.js'
import { readServices } from '../../scripts/generate-stackit/generate.js'
import { parityPage } from '../../scripts/generate-stackit/parity.js'
import { describeWithDocuments, stackitSpecs } from '../api-documents.js'

describeWithDocuments('the page of parity', () => {
  it('is committed as it is generated', () => {
    const documents = openDocuments(stackitSpecs)
    const committed = readFileSync(new URL('../../docs/parity/stackit.md', import.meta.url), 'utf8')
    expect(committed).toBe(parityPage(documents, readServices(documents)))
  })
})
