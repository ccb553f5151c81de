import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { promisify } from 'node:util'

const root = fileURLToPath(new URL('..', import.meta.url))

/** What an example of a guide is run with. */
export interface Surroundings {
  /** Constants that the example leaves to its reader. */
  readonly given: Readonly<Record<string, unknown>>
  /** The folder it runs in. */
  readonly cwd: string
}

/** Runs the example of a guide that stands behind `<!-- example: name -->`, as it is, on the source; what it prints. */
export async function runExample(guide: string, name: string, { given, cwd }: Surroundings): Promise<string> {
  const text = readFileSync(join(root, guide), 'utf8')
  const code = new RegExp(`<!-- example: ${name} -->\n\n\`\`\`ts\n([^]*?)\`\`\``).exec(text)?.[1]
  if (code === undefined) throw new Error(`${guide} has no example called ${name}`)
  const urlOf = (path: string): string => JSON.stringify(pathToFileURL(join(root, path)).href)
  const program = code
    .replace("'rxjs'", urlOf('node_modules/rxjs/dist/cjs/index.js'))
    .replace("'skystream/synnefo'", urlOf('src/clients/synnefo/index.ts'))
    .replace("'skystream/swift'", urlOf('src/clients/synnefo/swift.ts'))
    .replace("'skystream/slipstream'", urlOf('src/clients/slipstream/index.ts'))
    .replace("'skystream/stackit'", urlOf('src/clients/stackit/index.ts'))
    .replaceAll(/'skystream\/stackit\/([\w/-]+)'/g, (_, service: string) =>
      urlOf(`src/clients/stackit/services/${service}/index.ts`),
    )
    .replace("'skystream/operators'", urlOf('src/operators/index.ts'))
    .replace("'skystream'", urlOf('src/index.ts'))
  const constants = Object.entries(given).map(([key, value]) => `const ${key} = ${JSON.stringify(value)}\n`)
  const tsx = pathToFileURL(join(root, 'node_modules/tsx/dist/loader.mjs')).href
  const args = ['--import', tsx, '--input-type=module', '-e', constants.join('') + program]
  const { stdout } = await promisify(execFile)(process.execPath, args, { cwd })
  return stdout
}
