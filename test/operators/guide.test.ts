import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { sourceDiagram, sourceExamples } from './doc-comment.js'

const guide = readFileSync(new URL('../../docs/operators.md', import.meta.url), 'utf8')

function section(heading: string): string {
  const rest = guide.split(`\n## ${heading}\n`)[1]
  if (rest === undefined) throw new Error(`the guide has no section ${heading}`)
  return rest.split('\n## ')[0] ?? ''
}

describe('the guide has the diagrams of the doc comments, which the tests run', () => {
  it.each([
    ['`pollUntil`', 'operators/poll-until'],
    ['`retryWithBackoff`', 'operators/retry-with-backoff'],
    ['`paginate`', 'operators/paginate'],
    ['`abortable`', 'operators/abortable'],
    ['`result`', 'operators/result'],
  ])('%s', (heading, file) => {
    expect(section(heading)).toContain(`\`\`\`text\n${sourceDiagram(file)}\n\`\`\``)
  })
})

describe('the guide has the examples of the doc comments, which the tests run', () => {
  it.each([
    ['`pollUntil`', 'operators/poll-until', 1],
    ['`retryWithBackoff`', 'operators/retry-with-backoff', 1],
    ['`paginate`', 'operators/paginate', 1],
    ['`abortable`', 'operators/abortable', 1],
    ['`result`', 'operators/result', 1],
    ['Backoff', 'operators/backoff', 2],
    ['`RetryBudget`', 'operators/retry-budget', 1],
    ['Testing with marbles', 'testing/marbles', 1],
  ])('%s', (heading, file, count) => {
    const examples = sourceExamples(file)
    expect(examples).toHaveLength(count)
    for (const example of examples) expect(section(heading)).toContain(`\`\`\`ts\n${example}\n\`\`\``)
  })
})
