import type { Account, Accounts } from './tools.js'

/** The clouds that are deployed on unless others are wanted; the first one is everybody's default. */
export const CLOUD_NAMES: readonly string[] = ['exoscale-ch-gva', 'ec2-eu-west']

/** Name and password of a user. */
export interface Login {
  readonly username: string
  readonly password: string
}

/** The users that are there from the beginning: one, another one, and one who may do everything. */
export const LOGINS = {
  user: { username: 'jane', password: 's3cret-of-jane' },
  other: { username: 'bob', password: 's3cret-of-bob' },
  privileged: { username: 'super', password: 's3cret-of-super' },
} as const satisfies Record<string, Login>

export function createAccounts(now: number, clouds: readonly string[]): Accounts {
  const accounts = new Map<string, Account>()
  const seed = (login: Login, firstName: string, issuper: boolean): void => {
    accounts.set(login.username, {
      name: login.username,
      password: login.password,
      email: `${login.username}@example.org`,
      firstName,
      lastName: 'Example',
      organization: 'Example',
      roles: issuper ? '' : 'tester',
      issuper,
      state: 'ACTIVE',
      parameters: new Map([
        ...generalParameters(clouds[0] ?? ''),
        ...cloudParameters(login.username, clouds),
      ]),
      creation: now,
      lastOnline: now,
    })
  }
  seed(LOGINS.user, 'Jane', false)
  seed(LOGINS.other, 'Bob', false)
  seed(LOGINS.privileged, 'Super', true)
  return {
    get: (name) => accounts.get(name),
    list: () => [...accounts.values()],
    put(account) {
      accounts.set(account.name, account)
    },
  }
}

function generalParameters(cloud: string): [string, string][] {
  return [
    ['General.default.cloud.service', cloud],
    ['General.keep-running', 'on-success'],
    ['General.Verbosity Level', '1'],
    ['General.Timeout', '30'],
    ['General.mail-usage', 'never'],
    ['General.ssh.public.key', 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIEmbeddedCloudKeyForTestsOnly tests'],
  ]
}

function cloudParameters(username: string, clouds: readonly string[]): [string, string][] {
  return clouds.flatMap((cloud): [string, string][] => [
    [`${cloud}.username`, username],
    [`${cloud}.password`, 'cloud-secret'],
  ])
}
