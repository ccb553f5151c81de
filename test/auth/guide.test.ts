import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { sourceDiagram } from '../operators/doc-comment.js'

it('the guide to tokens has the diagram that the tests run', () => {
  const guide = readFileSync(new URL('../../docs/tokens.md', import.meta.url), 'utf8')
  expect(guide).toContain(`\`\`\`text\n${sourceDiagram('auth/token-subject')}\n\`\`\``)
})
