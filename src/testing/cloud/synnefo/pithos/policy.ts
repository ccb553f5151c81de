import { badRequest } from './failure.js'
import { headersBelow } from './metadata.js'
import { defaultPolicy, type Container, type Policy, type State } from './state.js'

/** The policy directives that the headers of a request bring; an empty value asks for the default. */
export function policyFromHeaders(headers: ReadonlyMap<string, string>): ReadonlyMap<string, string> {
  const directives = headersBelow(headers, 'X-Container-Policy-')
  for (const [name, value] of directives) checkDirective(name, value)
  return directives
}

/** Gives a container other policies; if these include its project, its bytes count there from now on. */
export function changePolicy(
  state: State,
  container: Container,
  directives: ReadonlyMap<string, string>,
): void {
  const { account, bytes } = container
  const { project } = container.policy
  const policy = applyPolicy(container.policy, directives, account.id)
  if (policy.project !== project) {
    state.diskspace.check(account.id, policy.project, bytes)
    state.diskspace.use(account.id, project, -bytes)
    state.diskspace.use(account.id, policy.project, bytes)
  }
  container.policy = policy
}

/** The policies of a container that is about to be created. */
export function initialPolicy(
  state: State,
  ownerId: string,
  directives: ReadonlyMap<string, string>,
): Policy {
  const policy = applyPolicy(defaultPolicy(ownerId), directives, ownerId)
  state.diskspace.check(ownerId, policy.project, 0)
  return policy
}

function applyPolicy(policy: Policy, directives: ReadonlyMap<string, string>, ownerProject: string): Policy {
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
