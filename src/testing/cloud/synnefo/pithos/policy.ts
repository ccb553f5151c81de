import { badRequest } from './failure.js'
import { headersBelow } from './metadata.js'
import { defaultPolicy, type Policy } from './state.js'

/** The policy directives that the headers of a request bring; an empty value asks for the default. */
export function policyFromHeaders(headers: ReadonlyMap<string, string>): ReadonlyMap<string, string> {
  const directives = headersBelow(headers, 'X-Container-Policy-')
  for (const [name, value] of directives) checkDirective(name, value)
  return directives
}

export function applyPolicy(
  policy: Policy,
  directives: ReadonlyMap<string, string>,
  ownerProject: string,
): Policy {
  const defaults = defaultPolicy(ownerProject)
  const quota = directives.get('quota')
  const versioning = directives.get('versioning')
  const project = directives.get('project')
  return {
    quota: quota === undefined ? policy.quota : quota === '' ? defaults.quota : Number(quota),
    versioning: versioning === undefined ? policy.versioning : versioning === 'none' ? 'none' : 'auto',
    project: project === undefined ? policy.project : project === '' ? defaults.project : project,
  }
}

function checkDirective(name: string, value: string): void {
  const valid =
    name === 'quota'
      ? /^\d*$/.test(value)
      : name === 'versioning'
        ? ['', 'auto', 'none'].includes(value)
        : name === 'project'
  if (!valid) throw badRequest('Bad policy headers')
}
