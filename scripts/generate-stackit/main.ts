import { resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { differencesIn, writeFolder, type Files } from '../generate/folder.js'
import { openDocuments } from './documents.js'
import { generateStackit, readServices } from './generate.js'
import { parityPage } from './parity.js'

// `npm run generate`: writes `services` and `all.ts` of STACKIT's client, and its page of parity, from the documents. With
// `--check`, nothing is written, and it fails if they are not what would be written.

const { values } = parseArgs({
  options: {
    specs: { type: 'string', default: '../shared/specs/stackit' },
    out: { type: 'string', default: 'src/clients/stackit' },
    parity: { type: 'string', default: 'docs/parity' },
    check: { type: 'boolean', default: false },
  },
})
const specs = resolve(values.specs)
const documents = openDocuments(specs)
const services = generateStackit(specs)
const page: Files = new Map([['stackit.md', parityPage(documents, readServices(documents))]])
const generated = [
  // The folder is the generator's own but for `all.ts`, which lies beside files that are not.
  { folder: resolve(values.out), files: services, owned: ['services'] },
  { folder: resolve(values.parity), files: page, owned: [] },
]
if (values.check) {
  const differences = generated.flatMap(({ folder, files, owned }) => differencesIn(folder, files, owned))
  for (const path of differences) console.error(`not as generated: ${path}`)
  if (differences.length > 0) process.exit(1)
} else {
  for (const { folder, files, owned } of generated) writeFolder(folder, files, owned)
}
console.log(`${services.size} files of STACKIT's services`)
