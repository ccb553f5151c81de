import { readFileSync } from 'node:fs'
import { runInNewContext } from 'node:vm'

/** A marble string on a line that holds several, and the frame at which it begins. */
export interface Piece {
  readonly marbles: string
  readonly at: number
}

/** The diagram in the doc comment of a file, by the names of its lines. */
export function diagramOf(file: string): (name: string) => string {
  const lines = sourceDiagram(file).split('\n')
  const column = /^.*?\S {2,}/.exec(lines[0] ?? '')?.[0].length ?? 0
  const contents = new Map(lines.map((line) => [line.slice(0, column).trim(), line.slice(column).trimEnd()]))
  return (name) => {
    const content = contents.get(name)
    if (content === undefined) throw new Error(`the diagram of ${file} has no line ${name}`)
    return content
  }
}

export function pieces(line: string): Piece[] {
  return [...line.matchAll(/\S+/g)].map((match) => ({ marbles: match[0], at: match.index }))
}

/** The subscriptions that a line draws, each as marbles of its own. */
export function subscriptions(line: string): string[] {
  return pieces(line).map(({ marbles, at }) => '-'.repeat(at) + marbles)
}

export function sourceDiagram(file: string): string {
  const diagram = /```text\n([\s\S]*?)\n```/.exec(commentsOf(file))?.[1]
  if (diagram === undefined) throw new Error(`no diagram in ${file}`)
  return diagram
}

/** The examples in the doc comments of a file, in their order. */
export function sourceExamples(file: string): string[] {
  return [...commentsOf(file).matchAll(/@example\n([\s\S]*?)\n(?=@|\/\n)/g)].map((match) => match[1] ?? '')
}

/** Runs an example with these names in scope; returns what its last expression is. */
export function runExample(file: string, names: Readonly<Record<string, unknown>>, index = 0): unknown {
  const example = sourceExamples(file)[index]
  if (example === undefined) throw new Error(`no example ${String(index)} in ${file}`)
  return runInNewContext(example, { ...names }) as unknown
}

function commentsOf(file: string): string {
  const source = readFileSync(new URL(`../../src/${file}.ts`, import.meta.url), 'utf8')
  return source.replaceAll(/^ \* ?/gm, '')
}
