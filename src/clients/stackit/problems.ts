import type { z } from 'zod'

/** What does not fit, each as `path: problem`; the values themselves are not shown. */
export function problemsOf(
  { issues }: { readonly issues: readonly z.core.$ZodIssue[] },
  root: string,
): string[] {
  return issues.flatMap((issue) => problemsOfIssue(issue, root))
}

function problemsOfIssue(issue: z.core.$ZodIssue, root: string): string[] {
  const path = pathOf(root, issue.path)
  if (issue.code === 'invalid_union') {
    const closest = closestOf(issue.errors)
    return closest === undefined ? [`${path}: fits none of its forms`] : problemsOf({ issues: closest }, path)
  }
  return [`${path}: ${wordsOf(issue)}`]
}

function wordsOf(issue: z.core.$ZodIssue): string {
  if (isMissing(issue)) return 'is missing'
  return issue.message.replace(/^Invalid input: |^Invalid string: /, '')
}

function isMissing({ code, message }: z.core.$ZodIssue): boolean {
  return code === 'invalid_type' && message.endsWith('received undefined')
}

/** The alternative that fits best: where nothing tells it apart otherwise, the one with the least that does not fit. */
function closestOf(
  alternatives: readonly (readonly z.core.$ZodIssue[])[],
): readonly z.core.$ZodIssue[] | undefined {
  const costs = alternatives.map((issues) => ({ issues, cost: costOf(issues) }))
  return costs.sort((a, b) => a.cost - b.cost)[0]?.issues
}

/** A value that names another alternative says more than a field that is missing, and that more than one that is wrong. */
function costOf(issues: readonly z.core.$ZodIssue[]): number {
  return issues.reduce((cost, issue) => {
    const elsewhere =
      issue.code === 'invalid_value' || issue.code === 'invalid_union' || issue.path.length === 0
    return cost + (elsewhere ? 10_000 : isMissing(issue) ? 100 : 1)
  }, 0)
}

/** `args.body` and `['records', 0, 'content']`: `args.body.records[0].content`. */
function pathOf(root: string, path: readonly PropertyKey[]): string {
  return path.reduce<string>(
    (before, step) => (typeof step === 'number' ? `${before}[${String(step)}]` : `${before}.${String(step)}`),
    root,
  )
}
