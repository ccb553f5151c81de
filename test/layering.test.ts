import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

const root = fileURLToPath(new URL('..', import.meta.url))

/** Every file of a small package, with what it imports. `type:` in front makes it an import of types only. */
const planted: Record<string, readonly string[]> = {
  'src/errors.ts': [],
  'src/runtime.ts': ['./errors.js', './operators/poll.js'],
  'src/operators/poll.ts': ['../errors.js', 'type:../http/types.js'],
  'src/http/types.ts': ['../errors.js', '../auth/token.js'],
  'src/http/undici-transport.ts': ['undici', '@rgrove/parse-xml'],
  'src/http/xml.ts': ['@rgrove/parse-xml', 'type:undici', 'undici'],
  'src/auth/token.ts': ['../errors.js', '../streams/events.js'],
  'src/auth/token-store.ts': ['node:fs/promises', 'write-file-atomic', './token.js', 'jose'],
  'src/auth/stackit-key.ts': ['jose', './token.js', 'node:fs'],
  'src/auth/authorize.ts': ['node:fs', 'fs/promises', './token.js'],
  'src/streams/events.ts': ['../errors.js', '../clients/synnefo/index.js'],
  'src/streams/sources.ts': ['node:fs', './events.js'],
  'src/streams/transfer.ts': ['node:fs/promises', './events.js'],
  'src/clients/synnefo/index.ts': [
    '../../http/types.js',
    '../stackit/index.js',
    '../../testing/cloud/index.js',
  ],
  'src/clients/stackit/index.ts': ['../../http/types.js', '../../testing/marbles.js', '../../index.js'],
  'src/clients/stackit/credentials.ts': ['node:fs', '../../errors.js'],
  'src/index.ts': ['./errors.js', './clients/stackit/index.js', './testing/marbles.js'],
  'src/testing/marbles.ts': [
    '../runtime.js',
    '../http/types.js',
    'type:../auth/token.js',
    '../auth/authorize.js',
  ],
  'src/testing/fake-transport.ts': ['./marbles.js', '../streams/events.js'],
  'src/testing/cloud/index.ts': ['node:fs', 'find-my-way', 'jose', './clock.js', '../../errors.js'],
  'src/testing/cloud/clock.ts': ['commander', 'type:../../http/types.js'],
  'src/bin.ts': ['node:fs', 'commander', './testing/cloud/index.js', 'find-my-way'],
  'src/forgotten.ts': [],
  'src/http/egg.ts': ['./hen.js'],
  'src/http/hen.ts': ['type:./egg.js', './missing.js'],
}

const expected = [
  'layer-ground: src/runtime.ts -> src/operators/poll.ts',
  'layer-operators: src/operators/poll.ts -> src/http/types.ts',
  'layer-http: src/http/types.ts -> src/auth/token.ts',
  'layer-auth: src/auth/token.ts -> src/streams/events.ts',
  'layer-streams: src/streams/events.ts -> src/clients/synnefo/index.ts',
  'layer-clients: src/clients/synnefo/index.ts -> src/testing/cloud/index.ts',
  'layer-clients: src/clients/stackit/index.ts -> src/testing/marbles.ts',
  'layer-clients: src/clients/stackit/index.ts -> src/index.ts',
  'layer-index: src/index.ts -> src/testing/marbles.ts',
  'layer-testing: src/testing/fake-transport.ts -> src/streams/events.ts',
  'layer-testing-auth: src/testing/marbles.ts -> src/auth/authorize.ts',
  'clouds-apart: src/clients/synnefo/index.ts -> src/clients/stackit/index.ts',
  'cloud-alone: src/testing/cloud/index.ts -> src/errors.ts',
  'cloud-alone: src/testing/cloud/clock.ts -> src/http/types.ts',
  'cloud-unused: src/clients/synnefo/index.ts -> src/testing/cloud/index.ts',
  'entry-points-unused: src/clients/stackit/index.ts -> src/index.ts',
  'files-in-their-place: src/auth/authorize.ts -> fs',
  'files-in-their-place: src/auth/authorize.ts -> fs/promises',
  'files-in-their-place: src/streams/transfer.ts -> fs/promises',
  'find-my-way-in-its-place: src/bin.ts -> find-my-way',
  'commander-in-its-place: src/testing/cloud/clock.ts -> commander',
  'undici-in-its-place: src/http/xml.ts -> undici',
  'jose-in-its-place: src/auth/token-store.ts -> jose',
  'rgrove-parse-xml-in-its-place: src/http/undici-transport.ts -> @rgrove/parse-xml',
  'no-orphan: src/forgotten.ts -> src/forgotten.ts',
  'no-circle: src/http/egg.ts -> src/http/hen.ts',
  'resolvable: src/http/hen.ts -> ./missing.js',
]

interface Report {
  readonly summary: {
    readonly violations: readonly {
      readonly rule: { readonly name: string }
      readonly from: string
      readonly to: string
    }[]
  }
}

describe('the rules of layering', () => {
  let folder: string
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'layering-'))
    const write = async (path: string, content: string): Promise<void> => {
      await mkdir(dirname(join(folder, path)), { recursive: true })
      await writeFile(join(folder, path), content)
    }
    for (const [path, imports] of Object.entries(planted)) {
      const lines = imports.map((from, index) =>
        from.startsWith('type:')
          ? `import type { one as own${index} } from '${from.slice(5)}'\nexport type Own${index} = typeof own${index}`
          : `export { one as own${index} } from '${from}'`,
      )
      await write(path, [...lines, 'export const one = 1', ''].join('\n'))
    }
    for (const name of [
      '@rgrove/parse-xml',
      'commander',
      'find-my-way',
      'jose',
      'undici',
      'write-file-atomic',
    ]) {
      await write(
        `node_modules/${name}/package.json`,
        JSON.stringify({ name, version: '1.0.0', main: 'index.js' }),
      )
      await write(`node_modules/${name}/index.js`, 'exports.one = 1')
    }
    const dependencies = {
      commander: '1',
      'find-my-way': '1',
      jose: '1',
      undici: '1',
      'write-file-atomic': '1',
    }
    await write('package.json', JSON.stringify({ type: 'module', dependencies }))
    await write(
      'tsconfig.json',
      JSON.stringify({ compilerOptions: { module: 'nodenext' }, include: ['src'] }),
    )
  })
  afterAll(() => rm(folder, { recursive: true, force: true }))

  it('find every planted violation, types included, and nothing else', async () => {
    const program = join(root, 'node_modules/dependency-cruiser/bin/dependency-cruise.mjs')
    const config = join(root, '.dependency-cruiser.cjs')
    const { stdout } = await promisify(execFile)(
      process.execPath,
      [program, '--config', config, '--output-type', 'json', 'src'],
      { cwd: folder, maxBuffer: 2 ** 26 },
    ).catch((failure: unknown) => failure as { stdout: string })
    const { summary } = JSON.parse(stdout) as Report
    // Some of the planted imports close other circles; that is not what they are here for.
    const found = summary.violations
      .map(
        ({ rule, from, to }) =>
          `${rule.name}: ${from} -> ${to.replace(/^node_modules\/(.*)\/index\.js$/, '$1')}`,
      )
      .filter((violation) => !/^no-circle: (?!src.http.egg)/.test(violation))
    expect(found.sort()).toEqual([...expected].sort())
  })
})
