const width = 110

/** An import of types: on one line where it fits. */
export function importText(names: Iterable<string>, module: string): string {
  const sorted = [...new Set(names)].sort()
  const line = `import type { ${sorted.join(', ')} } from '${module}'`
  if (line.length <= width) return line
  return `import type {\n${sorted.map((name) => `  ${name},\n`).join('')}} from '${module}'`
}
