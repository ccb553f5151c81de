import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import ts from 'typescript'
import { describe, expect, it } from 'vitest'
import { createSlipstream } from '../src/clients/slipstream/index.js'
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

describe.each(readdirSync(folder).filter((file) => file.endsWith('.md')))('docs/parity/%s', (file) => {
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
