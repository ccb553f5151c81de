import { readFile, writeFile } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { brotliCompressSync, constants } from 'node:zlib'
import { readDocument } from './document-reader.js'
import { isObject, text, type Json, type JsonObject } from './schema-reader.js'

// Writes what the embedded STACKIT knows of the public API documents into one file. Run again it changes nothing.

const root = resolve(dirname(fileURLToPath(import.meta.url)), '../..')
const { values } = parseArgs({ options: { specs: { type: 'string' }, check: { type: 'boolean' } } })
const specs = resolve(values.specs ?? join(root, '../shared/specs/stackit'))
const target = join(root, 'src/testing/cloud/stackit/document-data.ts')

const read = async (file: string): Promise<Json> =>
  JSON.parse(await readFile(join(specs, file), 'utf8')) as Json
const rows = async (file: string): Promise<readonly JsonObject[]> =>
  (await read(file)) as readonly JsonObject[]

const waiters = await rows('waiters.json')
const known = await read('open-enums.json')
const lines: string[] = []
for (const row of await rows('index.json')) {
  const [service, version] = [text(row['service']), text(row['version'])]
  const words = isObject(known) ? known[`${service}/${version}`] : undefined
  const document = readDocument({
    service,
    version,
    isDefault: row['default'] === true,
    document: (await read(text(row['file']))) as JsonObject,
    known: isObject(words) ? words : {},
    waiters: waiters.filter((waiter) => waiter['service'] === service && waiter['version'] === version),
  })
  lines.push(JSON.stringify(document))
}

const whole = lines.join('\n')
const packed = brotliCompressSync(whole, {
  params: {
    [constants.BROTLI_PARAM_QUALITY]: 11,
    [constants.BROTLI_PARAM_LGWIN]: 24,
    [constants.BROTLI_PARAM_SIZE_HINT]: Buffer.byteLength(whole),
  },
}).toString('base64')
const source = [
  '// Written by `npm run generate:cloud` from the public API specifications of STACKIT (see NOTICE); not to be edited.',
  '// Brotli in base64: a line of JSON for each document.',
  'export const DOCUMENT_DATA =',
  `  '${packed}'`,
  '',
].join('\n')
if (values.check === true) {
  if ((await readFile(target, 'utf8')) !== source) throw new Error('Generating again would change the file')
} else {
  await writeFile(target, source)
}
console.log(`${String(lines.length)} documents, ${String(packed.length)} characters`)
