// The layers of the package, and the one place of each dependency. `test/layering.test.ts` proves that the rules bite.

/** From the ground up: a layer imports itself and those below it. */
const layers = [
  ['ground', '^src/(errors|runtime|version)\\.ts$'],
  ['operators', '^src/operators/'],
  ['http', '^src/http/'],
  ['auth', '^src/auth/'],
  ['streams', '^src/streams/'],
  ['clients', '^src/clients/'],
  ['index', '^src/index\\.ts$'],
]
const layersUpTo = (name) => {
  const top = layers.findIndex(([layer]) => layer === name)
  return layers.slice(0, top + 1).map(([, path]) => path)
}

const cloud = '^src/testing/cloud/'
const program = '^src/bin\\.ts$'
/** `skystream/testing`: marbles and the fake transport. */
const harness = '^src/testing/[^/]+\\.ts$'

/** Files whose job it is to read and write files. */
const fileKeepers = [
  '^src/auth/[^/]*(credentials|key|store)[^/]*\\.ts$',
  '^src/clients/[^/]+/credentials\\.ts$',
  '^src/streams/(checkpoints|destination-folder|folder|sinks|sources)\\.ts$',
]

/** A package whose code is loaded in one place only; its types may be named elsewhere. */
const onlyIn = (name, places, comment) => ({
  name: `${name.replaceAll('/', '-').replace('@', '')}-in-its-place`,
  comment,
  severity: 'error',
  from: { path: '^src/', pathNot: places },
  to: { path: `^(node_modules/)?${name}(/|$)`, dependencyTypesNot: ['type-only'] },
})

/** @type {import('dependency-cruiser').IConfiguration} */
module.exports = {
  forbidden: [
    { name: 'no-circle', comment: 'Nor by types.', severity: 'error', from: {}, to: { circular: true } },
    {
      name: 'no-orphan',
      comment: 'A file that neither imports nor is imported is forgotten.',
      severity: 'error',
      from: { orphan: true },
      to: {},
    },
    { name: 'resolvable', severity: 'error', from: {}, to: { couldNotResolve: true } },
    ...layers.map(([name, path]) => ({
      name: `layer-${name}`,
      comment: 'errors, runtime <- operators <- http <- auth <- streams <- clients <- index',
      severity: 'error',
      from: { path },
      to: { path: '^src/', pathNot: layersUpTo(name) },
    })),
    {
      name: 'clouds-apart',
      comment: 'What two clouds share belongs into a layer below them.',
      severity: 'error',
      from: { path: '^src/clients/([^/]+)/' },
      to: { path: '^src/clients/[^/]+/', pathNot: '^src/clients/$1/' },
    },
    {
      name: 'layer-testing',
      comment: 'Marbles and the fake transport stand on http and below.',
      severity: 'error',
      from: { path: harness },
      to: { path: '^src/', pathNot: [harness, '^src/auth/', ...layersUpTo('http')] },
    },
    {
      name: 'layer-testing-auth',
      comment: 'Of auth, marbles and the fake transport know the types only.',
      severity: 'error',
      from: { path: harness },
      to: { path: '^src/auth/', dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'cloud-alone',
      comment: 'An emulator that uses the code of the clients proves nothing.',
      severity: 'error',
      from: { path: cloud },
      to: { path: '^src/', pathNot: cloud },
    },
    {
      name: 'cloud-unused',
      comment: 'Only the command starts the embedded cloud; users import its own subpath.',
      severity: 'error',
      from: { path: '^src/', pathNot: [cloud, program] },
      to: { path: cloud },
    },
    {
      name: 'entry-points-unused',
      comment: 'The public face and the command are imported by nobody.',
      severity: 'error',
      from: { path: '^src/' },
      to: { path: ['^src/index\\.ts$', program] },
    },
    {
      name: 'files-in-their-place',
      comment: 'Only credential, key, store, checkpoint, source and sink files touch the file system.',
      severity: 'error',
      from: { path: '^src/', pathNot: [cloud, program, ...fileKeepers] },
      to: { path: ['^(node:)?fs(/promises)?$', '^(node_modules/)?write-file-atomic(/|$)'] },
    },
    onlyIn('yaml', ['^src/auth/openstack-credentials\\.ts$'], 'Loaded only by who has a clouds.yaml.'),
    onlyIn('ignore', ['^src/streams/ignore-patterns\\.ts$'], 'Loaded only by who leaves files out.'),
    onlyIn('find-my-way', [cloud], 'Routes are the business of servers.'),
    onlyIn('commander', [program], 'Only the command has a command line.'),
    onlyIn('undici', ['^src/http/undici-transport\\.ts$'], 'Everything else speaks through a Transport.'),
    onlyIn('jose', [cloud, '^src/auth/stackit-[^/]*\\.ts$'], 'Loaded only by who signs in at STACKIT.'),
    onlyIn('@rgrove/parse-xml', [cloud, '^src/http/xml\\.ts$'], 'One reader of XML, without document types.'),
    onlyIn(
      'tough-cookie',
      ['^src/auth/cookie-session\\.ts$', '^src/auth/netscape-cookie-store\\.ts$'],
      'Cookies are credentials.',
    ),
  ],
  options: {
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['types', 'import', 'node', 'default'],
    },
    doNotFollow: { path: 'node_modules' },
  },
}
