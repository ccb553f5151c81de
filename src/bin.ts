#!/usr/bin/env node
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Command, InvalidArgumentError } from 'commander'
import { startCloud, type EmbeddedCloud, type EmbeddedCloudName } from './testing/cloud/index.js'
import { VERSION } from './version.js'

interface CloudFlags {
  readonly clouds: readonly EmbeddedCloudName[]
  readonly speed: number
  readonly port: Readonly<Partial<Record<EmbeddedCloudName, number>>>
  readonly tokenLifetime?: number
  readonly blockSize?: number
  readonly json?: true
}

/** What somebody needs to use the running cloud; also the one line that `--json` prints. */
interface Credentials {
  readonly synnefo?: {
    readonly url: string
    readonly authUrl: string
    readonly userId: string
    readonly token: string
    readonly configPath: string
    readonly images: EmbeddedCloud['synnefo']['images']
    readonly flavors: EmbeddedCloud['synnefo']['flavors']
  }
  readonly stackit?: {
    readonly url: string
    readonly tokenUrl: string
    readonly projectId: string
    readonly serviceAccountEmail: string
    readonly serviceAccountKeyPath: string
  }
  readonly openstack?: Omit<EmbeddedCloud['openstack'], 'tempAuth' | 'keystone'> & {
    readonly tempAuth: Omit<EmbeddedCloud['openstack']['tempAuth'], 'revoke'>
    readonly keystone: Omit<EmbeddedCloud['openstack']['keystone'], 'revoke'>
    readonly cloudsYamlPath: string
  }
  readonly slipstream?: Pick<EmbeddedCloud['slipstream'], 'url' | 'user' | 'apiKey'>
  readonly nuvla?: Pick<
    EmbeddedCloud['nuvla'],
    'url' | 'user' | 'apiKey' | 'modules' | 'credential' | 'edgeCredential'
  >
}

const CLOUDS: readonly EmbeddedCloudName[] = ['synnefo', 'stackit', 'openstack', 'slipstream', 'nuvla']

function createProgram(): Command {
  const program = new Command('skystream')
  program.description('Reactive clouds on the command line').version(VERSION)
  program
    .command('cloud')
    .description('Serve an embedded cloud on the loopback interface until it is interrupted')
    .option('--clouds <names>', 'which clouds, separated by commas', parseClouds, CLOUDS)
    .option(
      '--speed <factor>',
      'how fast the time of builds passes: 60 makes a minute a second',
      parsePositive,
      1,
    )
    .option('--port <cloud=port>', 'fixed port of a cloud; may be repeated', parsePort, {})
    .option('--token-lifetime <seconds>', 'how long tokens live', parsePositive)
    .option('--block-size <bytes>', 'block size of the object store', parseCount)
    .option('--json', 'print one line of JSON, for programs')
    .action(serveCloud)
  return program
}

async function serveCloud(flags: CloudFlags): Promise<void> {
  const interrupted = interruption()
  const lifetime = flags.tokenLifetime === undefined ? {} : { tokenLifetimeMs: flags.tokenLifetime * 1000 }
  const cloud = await startCloud({
    clouds: flags.clouds,
    clock: { speed: flags.speed },
    ports: flags.port,
    synnefo: { ...lifetime, ...(flags.blockSize === undefined ? {} : { blockSize: flags.blockSize }) },
    stackit: lifetime,
    openstack: lifetime,
    slipstream: lifetime,
    nuvla: lifetime,
  })
  try {
    await inTemporaryFolder(async (folder) => {
      const credentials = await writeCredentials(cloud, flags.clouds, folder)
      process.stdout.write(flags.json === true ? `${JSON.stringify(credentials)}\n` : describe(credentials))
      await interrupted
    })
  } finally {
    await cloud.close()
  }
}

async function inTemporaryFolder(use: (folder: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'skystream-credentials-'))
  try {
    await use(folder)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/** Resolves at the first SIGINT or SIGTERM; later ones do not cut the tidying up short. */
function interruption(): Promise<void> {
  return new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) {
      process.on(signal, () => {
        resolve()
      })
    }
  })
}

async function writeCredentials(
  cloud: EmbeddedCloud,
  clouds: readonly EmbeddedCloudName[],
  folder: string,
): Promise<Credentials> {
  return {
    ...(clouds.includes('synnefo') ? { synnefo: await synnefoCredentials(cloud.synnefo, folder) } : {}),
    ...(clouds.includes('stackit') ? { stackit: await stackitCredentials(cloud.stackit, folder) } : {}),
    ...(clouds.includes('openstack')
      ? { openstack: await openstackCredentials(cloud.openstack, folder) }
      : {}),
    ...(clouds.includes('slipstream') ? { slipstream: slipstreamCredentials(cloud.slipstream) } : {}),
    ...(clouds.includes('nuvla') ? { nuvla: nuvlaCredentials(cloud.nuvla) } : {}),
  }
}

function slipstreamCredentials({
  url,
  user,
  apiKey,
}: EmbeddedCloud['slipstream']): NonNullable<Credentials['slipstream']> {
  return { url, user, apiKey }
}

function nuvlaCredentials(nuvla: EmbeddedCloud['nuvla']): NonNullable<Credentials['nuvla']> {
  const { url, user, apiKey, modules, credential, edgeCredential } = nuvla
  return { url, user, apiKey, modules, credential, edgeCredential }
}

async function synnefoCredentials(
  synnefo: EmbeddedCloud['synnefo'],
  folder: string,
): Promise<NonNullable<Credentials['synnefo']>> {
  const { url, authUrl, user, token, images, flavors } = synnefo
  const configPath = join(folder, 'kamakirc')
  const config = `[global]\ndefault_cloud = embedded\n[cloud "embedded"]\nurl = ${authUrl}\ntoken = ${token}\n`
  await writeFile(configPath, config, { mode: 0o600 })
  return { url, authUrl, userId: user.id, token, configPath, images, flavors }
}

async function stackitCredentials(
  stackit: EmbeddedCloud['stackit'],
  folder: string,
): Promise<NonNullable<Credentials['stackit']>> {
  const { url, tokenUrl, projectId, serviceAccountEmail, serviceAccountKey } = stackit
  const serviceAccountKeyPath = join(folder, 'stackit-service-account-key.json')
  await writeFile(serviceAccountKeyPath, `${JSON.stringify(serviceAccountKey, null, 2)}\n`, { mode: 0o600 })
  return { url, tokenUrl, projectId, serviceAccountEmail, serviceAccountKeyPath }
}

async function openstackCredentials(
  openstack: EmbeddedCloud['openstack'],
  folder: string,
): Promise<NonNullable<Credentials['openstack']>> {
  const { revoke: _tempAuth, ...tempAuth } = openstack.tempAuth
  const { revoke: _keystone, ...keystone } = openstack.keystone
  const { authUrl, username, password, projectName, userDomainName, projectDomainName, region } = keystone
  const cloudsYamlPath = join(folder, 'clouds.yaml')
  const yaml = [
    'clouds:',
    '  embedded:',
    `    region_name: ${region}`,
    '    auth:',
    `      auth_url: ${authUrl}`,
    `      username: ${username}`,
    `      password: "${password}"`,
    `      project_name: ${projectName}`,
    `      user_domain_name: ${userDomainName}`,
    `      project_domain_name: ${projectDomainName}`,
    '',
  ]
  await writeFile(cloudsYamlPath, yaml.join('\n'), { mode: 0o600 })
  return { origin: openstack.origin, tempAuth, keystone, cloudsYamlPath }
}

function describe({ synnefo, stackit, openstack, slipstream, nuvla }: Credentials): string {
  const lines: string[] = []
  if (synnefo !== undefined) {
    lines.push(
      `# Synnefo at ${synnefo.url}`,
      `export SYNNEFO_AUTH_URL=${synnefo.authUrl}`,
      `export SYNNEFO_TOKEN=${synnefo.token}`,
      `export KAMAKI_CONFIG=${synnefo.configPath}`,
      '',
    )
  }
  if (stackit !== undefined) {
    lines.push(
      `# STACKIT at ${stackit.url}`,
      `export STACKIT_SERVICE_ACCOUNT_KEY_PATH=${stackit.serviceAccountKeyPath}`,
      `export STACKIT_TOKEN_BASEURL=${stackit.tokenUrl}`,
      `export STACKIT_PROJECT_ID=${stackit.projectId}`,
      '',
    )
  }
  if (openstack !== undefined) {
    const { tempAuth, keystone } = openstack
    lines.push(
      `# OpenStack at ${openstack.origin}: Keystone`,
      'export OS_IDENTITY_API_VERSION=3',
      `export OS_AUTH_URL=${keystone.authUrl}`,
      `export OS_USERNAME=${keystone.username}`,
      `export OS_PASSWORD=${keystone.password}`,
      `export OS_PROJECT_NAME=${keystone.projectName}`,
      `export OS_USER_DOMAIN_NAME=${keystone.userDomainName}`,
      `export OS_PROJECT_DOMAIN_NAME=${keystone.projectDomainName}`,
      `export OS_REGION_NAME=${keystone.region}`,
      `export OS_CLIENT_CONFIG_FILE=${openstack.cloudsYamlPath}`,
      '# … or the login of Swift itself',
      `export ST_AUTH=${tempAuth.authUrl}`,
      `export ST_USER=${tempAuth.user}`,
      `export ST_KEY=${tempAuth.key}`,
      '',
    )
  }
  if (slipstream !== undefined) {
    const { url, user } = slipstream
    lines.push(
      `# SlipStream at ${url}`,
      `export SLIPSTREAM_ENDPOINT=${url}`,
      `export SLIPSTREAM_USERNAME=${user.username}`,
      `export SLIPSTREAM_PASSWORD=${user.password}`,
      '',
    )
  }
  if (nuvla !== undefined) {
    const { url, apiKey } = nuvla
    lines.push(
      `# Nuvla at ${url}`,
      `export NUVLA_ENDPOINT=${url}`,
      `export NUVLA_API_KEY=${apiKey.key}`,
      `export NUVLA_API_SECRET=${apiKey.secret}`,
      '',
    )
  }
  lines.push('# Serving until interrupted (Ctrl+C); the credentials and all data are gone then.', '')
  return lines.join('\n')
}

function parseClouds(text: string): readonly EmbeddedCloudName[] {
  const names = text.split(',').map((name) => name.trim())
  return names.map((name) => cloudNamed(name))
}

function cloudNamed(name: string): EmbeddedCloudName {
  const known = CLOUDS.find((cloud) => cloud === name)
  if (known === undefined)
    throw new InvalidArgumentError(`There is no ${name}; there are ${CLOUDS.join(', ')}.`)
  return known
}

function parsePort(text: string, previous: CloudFlags['port']): CloudFlags['port'] {
  const [name = '', number = ''] = text.split('=')
  const port = Number(number)
  if (!/^\d+$/.test(number) || port > 65_535) throw new InvalidArgumentError('It is written synnefo=8080.')
  return { ...previous, [cloudNamed(name)]: port }
}

function parsePositive(text: string): number {
  const value = Number(text)
  if (!(value > 0) || !Number.isFinite(value)) throw new InvalidArgumentError('It must be a number above 0.')
  return value
}

function parseCount(text: string): number {
  const value = parsePositive(text)
  if (!Number.isInteger(value)) throw new InvalidArgumentError('It must be a whole number.')
  return value
}

createProgram()
  .parseAsync()
  .catch((error: unknown) => {
    process.stderr.write(`skystream: ${error instanceof Error ? error.message : String(error)}\n`)
    process.exitCode = 1
  })
