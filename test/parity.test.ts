import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import ts from 'typescript'
import { describe, expect, it } from 'vitest'
import { createSlipstream } from '../src/clients/slipstream/index.js'
import { createStackit } from '../src/clients/stackit/index.js'
import type { ServiceDefinition } from '../src/clients/stackit/service-definition.js'
import { createSynnefo } from '../src/clients/synnefo/index.js'
import { createSwift } from '../src/clients/synnefo/swift.js'

const root = fileURLToPath(new URL('..', import.meta.url))
const folder = join(root, 'docs/parity')

/** A client of each cloud, by the name of its document. Nothing is sent. */
const clients: Readonly<Record<string, () => object>> = {
  slipstream: () => createSlipstream({ endpoint: 'https://cloud.test', username: 'a', password: 'x' }),
  swift: () => createSwift({ authUrl: 'https://cloud.test/auth/v1.0', user: 'a:b', key: 'x' }),
  synnefo: () => createSynnefo({ authUrl: 'https://cloud.test/identity/v2.0', token: 'x' }),
}

/** A row of a table, its cells by the heads of their columns. */
type Row = Readonly<Record<string, string>>

function rowsOf(document: string): Row[] {
  const rows: Row[] = []
  let heads: string[] | undefined
  for (const line of document.split('\n')) {
    const cells = /^\|(.*)\|$/
      .exec(line.trim())?.[1]
      ?.split('|')
      .map((cell) => cell.trim())
    if (cells === undefined) heads = undefined
    else if (heads === undefined) heads = cells
    else if (!cells.every((cell) => /^:?-+:?$/.test(cell))) {
      const names = heads
      rows.push(Object.fromEntries(cells.map((cell, index) => [names[index] ?? '', cell])))
    }
  }
  return rows
}

function quotedIn(cell: string): string[] {
  return [...cell.matchAll(/`([^`]+)`/g)].map(([, text = '']) => text)
}

/** The titles of the tests in a file: those of `it` and `describe`, and the first columns of tables whose title is only that. */
function titlesIn(file: string): Set<string> {
  const titles = new Set<string>()
  const source = ts.createSourceFile(file, readFileSync(join(root, file), 'utf8'), ts.ScriptTarget.Latest)
  const columns: string[] = []
  const visit = (node: ts.Node): void => {
    if (ts.isCallExpression(node) && /^(?:it|test|describe)\b/.test(node.expression.getText(source))) {
      const [title] = node.arguments
      if (title !== undefined && ts.isStringLiteralLike(title)) titles.add(title.text)
    }
    if (ts.isArrayLiteralExpression(node)) {
      const [first] = node.elements
      if (first !== undefined && ts.isStringLiteralLike(first)) columns.push(first.text)
    }
    ts.forEachChild(node, visit)
  }
  visit(source)
  if (titles.has('%s')) for (const column of columns) titles.add(column)
  return titles
}
const titles = new Map<string, Set<string>>()
function hasTest(reference: string): boolean {
  const [file = '', title = ''] = reference.split(' › ')
  if (!existsSync(join(root, file))) return false
  let known = titles.get(file)
  if (known === undefined) titles.set(file, (known = titlesIn(file)))
  return known.has(title)
}

function memberOf(client: object, path: string): unknown {
  return path
    .split('.')
    .reduce<unknown>(
      (owner, name) => (typeof owner === 'object' && owner !== null ? Reflect.get(owner, name) : undefined),
      client,
    )
}

/** The paths of all functions of a group of a client. */
function functionsOf(group: object, path: string): string[] {
  return Object.entries(group).flatMap(([name, member]: [string, unknown]) => {
    if (typeof member === 'function') return [`${path}.${name}`]
    return typeof member === 'object' && member !== null ? functionsOf(member, `${path}.${name}`) : []
  })
}

const memberPath = /^[a-z]\w*(?:\.\w+)+$/i
/** Made from tables by the program that makes the code: a row is a service or a waiter, and what proves them is told above them. */
const generatedPage = 'stackit.md'
const pages = readdirSync(folder).filter((file) => file.endsWith('.md') && file !== generatedPage)

describe.each(pages)('docs/parity/%s', (file) => {
  const rows = rowsOf(readFileSync(join(folder, file), 'utf8'))
  const client = clients[file.replace(/\.md$/, '')]?.()
  const named = rows.map(({ here = '' }) => quotedIn(here).filter((text) => memberPath.test(text)))

  it('is of a client that is known here', () => {
    expect(client).toBeDefined()
    expect(rows.length).toBeGreaterThan(0)
  })

  it('names a member of ours for every one of theirs', () => {
    const empty = rows.filter(({ here }, index) => here !== undefined && named[index]?.length === 0)
    expect(empty).toEqual([])
  })

  it('names only what is there', () => {
    const missing = named.flat().filter((path) => typeof memberOf(client ?? {}, path) !== 'function')
    expect(missing).toEqual([])
  })

  it('leaves out no function of a group that it names', () => {
    const groups = new Set(named.flat().map((path) => path.split('.')[0] ?? ''))
    const functions = [...groups].flatMap((group) => {
      const member = memberOf(client ?? {}, group)
      return typeof member === 'object' && member !== null ? functionsOf(member, group) : []
    })
    expect(functions.filter((path) => !named.flat().includes(path))).toEqual([])
  })

  it('names a test in every row, which is there', () => {
    const references = rows.map(({ test = '' }) => quotedIn(test))
    expect(rows.filter((_row, index) => references[index]?.length === 0)).toEqual([])
    expect(references.flat().filter((reference) => !hasTest(reference))).toEqual([])
  })
})

// --- STACKIT --------------------------------------------------------------------------------------------------

/** A service in one version, and the members of its client. */
interface StackitService {
  readonly entry: string
  readonly name: string
  readonly definition: ServiceDefinition
  readonly methods: readonly string[]
  readonly watch: readonly string[]
  readonly run: readonly string[]
}

/** By service and version: `iaas v2`. */
async function stackitServices(): Promise<ReadonlyMap<string, StackitService>> {
  const services = join(root, 'src/clients/stackit/services')
  const files = readdirSync(services, { recursive: true, encoding: 'utf8' })
  const folders = files.filter((path) => path.endsWith('index.ts')).map((path) => dirname(path))
  const modules = await Promise.all(
    folders.map(async (entry) => {
      const module = (await import(join(services, entry, 'index.ts'))) as Record<string, ServiceDefinition>
      return Object.entries(module).map(([name, definition]) => ({ entry, name, definition }))
    }),
  )
  return new Map(
    modules.flat().map(({ entry, name, definition }) => {
      const { service } = createStackit({ token: 'x', services: { service: definition } })
      const members = service as Readonly<Record<string, unknown>>
      const below = (group: string): string[] =>
        Object.keys(members[group] ?? {}).map((at) => `${group}.${at}`)
      const methods = Object.keys(members).filter((member) => typeof members[member] === 'function')
      return [
        `${definition.service} ${definition.version}`,
        { entry, name, definition, methods, watch: below('watch'), run: below('run') },
      ]
    }),
  )
}

describe(`docs/parity/${generatedPage}`, async () => {
  const document = readFileSync(join(folder, generatedPage), 'utf8')
  const services = await stackitServices()
  const rows = rowsOf(document).map((row) => ({
    row,
    key: `${row['service'] ?? ''} ${(row['version'] ?? '').replaceAll(/[*† ]/g, '')}`,
  }))
  const listed = rows.filter(({ row }) => row['operations'] !== undefined && row['here'] !== undefined)
  const paged = rows.filter(({ row }) => row['operations'] !== undefined && row['here'] === undefined)
  const waiters = rows.filter(({ row }) => row['waits'] !== undefined)
  const absent = rows.filter(({ row }) => row['instead'] !== undefined)

  it('lists every service in every version, by its name and its entry', () => {
    const found = [...services].map(([key, { name, entry }]) => [key, [name, `skystream/stackit/${entry}`]])
    expect(listed).toHaveLength(72)
    expect(Object.fromEntries(listed.map(({ key, row }) => [key, quotedIn(row['here'] ?? '')]))).toEqual(
      Object.fromEntries(found),
    )
  })

  it('counts what the clients have', () => {
    for (const { key, row } of listed) {
      const { definition, methods, watch, run } = services.get(key)!
      const operations = Object.keys(definition.operations).length
      expect([row['operations'], row['`…All`'], row['`watch`'], row['`run`']], key).toEqual(
        [operations, methods.length - operations, watch.length, run.length].map(String),
      )
    }
  })

  it('sums up what it counts', () => {
    const sum = (among: typeof listed, head: string): number =>
      among.reduce((all, { row }) => all + Number(row[head]), 0)
    const standard = listed.filter(({ row }) => row['version']?.startsWith('**'))
    expect(document).toContain(`All ${listed.length} versions of ${standard.length} services`)
    for (const among of [listed, standard]) {
      const [operations, lists, watch, run] = ['operations', '`…All`', '`watch`', '`run`'].map((head) =>
        sum(among, head),
      )
      expect(document).toContain(
        `: ${operations} operations, ${lists} lists in pages, ${watch} waiters, ${run} operations to run`,
      )
    }
  })

  it('names the lists that have pages', () => {
    const named = paged.flatMap(({ key, row }) =>
      quotedIn(row['operations'] ?? '').map((name) => `${key} ${name}All`),
    )
    const found = [...services].flatMap(([key, { methods, definition }]) =>
      methods.filter((name) => definition.operations[name] === undefined).map((name) => `${key} ${name}`),
    )
    expect(named.sort()).toEqual(found.sort())
  })

  it('names every waiter, and every operation that begins one', () => {
    const named = waiters.map(
      ({ key, row }) => [key, quotedIn(`${row['waits'] ?? ''}${row['begins and waits'] ?? ''}`)] as const,
    )
    for (const [key, { watch, run }] of services) {
      expect(
        named
          .filter(([owner]) => owner === key)
          .flatMap(([, names]) => names)
          .sort(),
        key,
      ).toEqual([...watch, ...run].sort())
    }
    expect(waiters).toHaveLength(227)
  })

  it('says of waiters that are not here that their service is not, and what is there instead', () => {
    expect(absent).toHaveLength(33)
    for (const { key, row } of absent) {
      expect(services.has(key), key).toBe(false)
      const [, waiter = '', version = ''] = /^`(.+)` of (\w+)$/.exec(row['instead'] ?? '') ?? []
      expect(services.get(`${row['service'] ?? ''} ${version}`)?.watch, key).toContain(waiter)
    }
  })

  it('names tests that are there', () => {
    const named = quotedIn(document).filter((text) => text.startsWith('test/'))
    expect(named.length).toBeGreaterThan(3)
    expect(named.filter((file) => !existsSync(join(root, file)))).toEqual([])
  })
})

it('finds what is wrong with a table', () => {
  const [row] = rowsOf(
    'text\n\n| here | test |\n| --- | --- |\n| `a.b` | `test/parity.test.ts › nowhere` |\n',
  )
  expect(row).toEqual({ here: '`a.b`', test: '`test/parity.test.ts › nowhere`' })
  expect(quotedIn(row?.['test'] ?? '').map(hasTest)).toEqual([false])
  expect(hasTest('test/parity.test.ts › finds what is wrong with a table')).toBe(true)
  expect(hasTest('test/nothing.test.ts › a')).toBe(false)
  expect(memberOf({ a: { c: () => 1 } }, 'a.b')).toBeUndefined()
  expect(functionsOf({ c: () => 1, d: { e: () => 2 } }, 'a')).toEqual(['a.c', 'a.d.e'])
})
