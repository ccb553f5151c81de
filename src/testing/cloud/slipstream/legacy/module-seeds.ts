import type { Chance } from '../../chance.js'
import {
  RIGHTS,
  type Authz,
  type ImagePart,
  type ModuleContent,
  type ModuleParameter,
} from './module-model.js'
import type { ModuleStore } from './module-store.js'

const OWNER = 'sixsq'
const OPEN: Authz = {
  owner: OWNER,
  ownerRights: RIGHTS,
  group: ['Get'],
  public: ['Get', 'Post'],
  inheritedGroupMembers: true,
  groupMembers: [],
}
/** Everybody may create modules in it. */
const SHARED: Authz = { ...OPEN, public: ['Get', 'Post', 'CreateChildren'] }
const CLOSED: Authz = { ...OPEN, group: [], public: [] }

const IMAGE: ImagePart = {
  isBase: false,
  loginUser: 'root',
  platform: 'ubuntu',
  moduleReferenceUri: '',
  targets: [],
  packages: [],
  prerecipe: '',
  recipe: '',
  cloudImageIdentifiers: new Map(),
  outputs: {},
}
const script = (text: string): string => `#!/bin/sh -e\n${text}\n`

/** The modules that every embedded SlipStream starts with. */
export function seedModules(store: ModuleStore, clouds: readonly string[], chance: Chance): void {
  const add = (
    path: string,
    category: ModuleContent['category'],
    rest: Partial<ModuleContent> = {},
  ): void => {
    store.add({
      category,
      path,
      description: '',
      logoLink: '',
      authz: OPEN,
      author: OWNER,
      comment: 'Initial version',
      parameters: [],
      ...rest,
    })
  }
  const imageIds = (): Map<string, string> => new Map(clouds.map((cloud) => [cloud, chance.uuid()]))
  const publish = (path: string): void => {
    const module = store.latest(path)
    if (module !== undefined) module.published = module.lastModified
  }

  add('examples', 'Project', { description: 'Examples', authz: SHARED })
  add('examples/images', 'Project', { description: 'Base images' })
  // Three versions, so that deleting one brings the one before to light.
  for (const comment of ['Initial version', 'Newer kernel', 'Security updates']) {
    add('examples/images/centos-6', 'Image', {
      description: 'CentOS 6',
      comment,
      logoLink: 'https://logos.example.org/centos.svg',
      parameters: cloudParameters(clouds),
      image: { ...IMAGE, isBase: true, platform: 'centos', cloudImageIdentifiers: imageIds() },
    })
  }
  add('examples/images/ubuntu-18.04', 'Image', {
    description: 'Ubuntu 18.04',
    parameters: cloudParameters(clouds),
    image: { ...IMAGE, isBase: true, loginUser: 'ubuntu', cloudImageIdentifiers: imageIds() },
  })
  add('examples/restricted', 'Project', { description: 'Nobody may look into this', authz: CLOSED })
  add('examples/restricted/secret', 'Image', { authz: CLOSED, image: { ...IMAGE, isBase: true } })

  add('examples/tutorials', 'Project', { description: 'Tutorials', authz: SHARED })
  add('examples/tutorials/apache', 'Image', {
    description: 'Apache web server',
    parameters: [
      ...cloudParameters(clouds),
      parameter('title', 'Input', 'Title of the page', { value: 'It works' }),
      parameter('port', 'Output', 'Port of the server'),
      parameter('ready', 'Output', 'Whether the server answers'),
    ],
    image: {
      ...IMAGE,
      moduleReferenceUri: 'module/examples/images/ubuntu-18.04',
      packages: [{ name: 'apache2', repository: '', key: '' }],
      prerecipe: script('echo pre-install'),
      recipe: script('systemctl enable apache2'),
      targets: [
        { name: 'execute', script: script('ss-set port 80\nss-set ready true') },
        { name: 'report', script: script('cp /var/log/apache2/access.log $SLIPSTREAM_REPORT_DIR') },
      ],
      outputs: { port: '80', ready: 'true' },
    },
  })
  add('examples/tutorials/worker', 'Image', {
    description: 'A machine that asks the web server',
    parameters: [
      ...cloudParameters(clouds),
      parameter('webserver.hostname', 'Input', 'Address of the web server'),
      parameter('webserver.port', 'Input', 'Port of the web server'),
      parameter('rounds', 'Input', 'How often to ask', { value: '10' }),
      parameter('answers', 'Output', 'Answers that were got'),
    ],
    image: {
      ...IMAGE,
      moduleReferenceUri: 'module/examples/images/ubuntu-18.04',
      targets: [
        { name: 'execute', script: script('curl http://$(ss-get webserver.hostname)/') },
        { name: 'onvmadd', script: script('echo added') },
        { name: 'onvmremove', script: script('echo removed') },
      ],
      outputs: { answers: '{rounds}' },
    },
  })
  add('examples/tutorials/web-farm', 'Deployment', {
    description: 'A web server and its workers',
    nodes: [
      {
        name: 'apache',
        multiplicity: 1,
        maxProvisioningFailures: 0,
        cloudService: 'default',
        imageUri: 'module/examples/tutorials/apache',
        network: 'Public',
        mappings: new Map([['title', "'Farm'"]]),
      },
      {
        name: 'worker',
        multiplicity: 2,
        maxProvisioningFailures: 0,
        cloudService: 'default',
        imageUri: 'module/examples/tutorials/worker',
        network: 'Public',
        mappings: new Map([
          ['webserver.hostname', 'apache:hostname'],
          ['webserver.port', 'apache:port'],
        ]),
      },
    ],
  })

  add('apps', 'Project', { description: 'Applications' })
  add('apps/WordPress', 'Project', { description: 'WordPress' })
  add('apps/WordPress/wordpress', 'Image', {
    description: 'WordPress server',
    logoLink: 'https://logos.example.org/wordpress.svg',
    parameters: [
      ...cloudParameters(clouds),
      parameter('wordpress_title', 'Input', 'Title of the site', { value: 'Just another WordPress site' }),
      parameter('wordpress_user', 'Input', 'Name of the administrator', { value: 'admin' }),
      parameter('wordpress_password', 'Input', 'Password of the administrator', {
        value: 'wordpress-admin',
        type: 'Password',
      }),
      parameter('wordpress_email', 'Input', 'Address of the administrator', { value: 'admin@example.org' }),
      parameter('admin_user', 'Output', 'Name to log in with'),
      parameter('admin_password', 'Output', 'Password to log in with', { type: 'Password' }),
      parameter('admin_email', 'Output', 'Where WordPress sends its mail'),
      parameter('url', 'Output', 'Where the site is'),
    ],
    image: {
      ...IMAGE,
      moduleReferenceUri: 'module/examples/images/ubuntu-18.04',
      targets: [{ name: 'execute', script: script('ss-set url.service "http://$(ss-get hostname)"') }],
      outputs: {
        admin_user: '{wordpress_user}',
        admin_password: '{wordpress_password}',
        admin_email: '{wordpress_email}',
        url: 'http://{ip}',
      },
    },
  })
  for (const path of [
    'apps/WordPress/wordpress',
    'examples/tutorials/web-farm',
    'examples/images/ubuntu-18.04',
  ])
    publish(path)
}

function parameter(
  name: string,
  category: string,
  description: string,
  rest: Partial<ModuleParameter> = {},
): ModuleParameter {
  const value = rest.value ?? ''
  return {
    name,
    category,
    description,
    type: 'String',
    mandatory: false,
    readonly: false,
    value,
    defaultValue: value,
    enumValues: [],
    instructions: '',
    ...rest,
  }
}

function cloudParameters(clouds: readonly string[]): readonly ModuleParameter[] {
  return [
    parameter('network', 'Cloud', 'Network type', {
      type: 'Enum',
      mandatory: true,
      value: 'Public',
      enumValues: ['Public', 'Private'],
      instructions: 'Whether the machine can be reached from outside.',
    }),
    parameter('extra.disk.volatile', 'Cloud', 'Volatile extra disk in GB'),
    ...clouds.map((cloud) =>
      parameter(`${cloud}.instance.type`, cloud, 'Instance type (flavor)', {
        mandatory: true,
        value: 'Small',
      }),
    ),
    parameter('hostname', 'Output', 'hostname/ip of the image', { mandatory: true }),
    parameter('instanceid', 'Output', 'Cloud instance id', { mandatory: true }),
  ]
}
