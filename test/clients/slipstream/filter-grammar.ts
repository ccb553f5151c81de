/** What a filter says. */
export type FilterTree =
  | { readonly word: 'and' | 'or'; readonly parts: readonly FilterTree[] }
  | { readonly attribute: string; readonly relation: string; readonly value: unknown }

const patterns = {
  blank: /\s*/y,
  attribute: /[A-Za-z][\w-]*(?::[A-Za-z][\w-]*)?(?:\/[A-Za-z][\w-]*(?::[A-Za-z][\w-]*)?)*/y,
  relation: /\^=|==|!=|<=|>=|=|<|>/y,
  text: /'(?:[^'\\]|\\[^])*'/y,
  date: /\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d+)?Z/y,
  number: /\d+/y,
  constant: /(?:true|false|null)\b/y,
}

/** Reads comparisons joined by `and`, `or` and parentheses, as the grammar of slipstream dossier 3.4 has them. */
export function readFilter(input: string): FilterTree {
  let at = 0
  const take = (pattern: RegExp): string | undefined => {
    patterns.blank.lastIndex = at
    at += patterns.blank.exec(input)?.[0].length ?? 0
    pattern.lastIndex = at
    const found = pattern.exec(input)?.[0]
    at += found?.length ?? 0
    return found
  }
  const need = (pattern: RegExp): string => {
    const found = take(pattern)
    if (found === undefined) throw new Error(`no ${String(pattern)} at ${String(at)} of ${input}`)
    return found
  }

  const joined = (word: 'and' | 'or', part: () => FilterTree): FilterTree => {
    const parts = [part()]
    while (take(new RegExp(`${word}\\b`, 'y')) !== undefined) parts.push(part())
    const flat = parts.flatMap((tree) => ('word' in tree && tree.word === word ? tree.parts : [tree]))
    return flat.length === 1 ? flat[0]! : { word, parts: flat }
  }
  const whole = (): FilterTree => joined('or', () => joined('and', single))
  const single = (): FilterTree => {
    if (take(/\(/y) === undefined) {
      return { attribute: need(patterns.attribute), relation: need(patterns.relation), value: value() }
    }
    const inner = whole()
    need(/\)/y)
    return inner
  }
  const value = (): unknown => {
    const text = take(patterns.text)
    if (text !== undefined) return text.slice(1, -1).replaceAll(/\\([^])/g, '$1')
    const date = take(patterns.date)
    if (date !== undefined) return new Date(date)
    const number = take(patterns.number)
    if (number !== undefined) return Number(number)
    return JSON.parse(need(patterns.constant)) as unknown
  }

  const tree = whole()
  need(/$/y)
  return tree
}
