import { basename } from 'node:path'
import { defineConfig } from 'eslint/config'
import node from 'eslint-plugin-n'
import rxjs from 'eslint-plugin-rxjs-x'
import tseslint from 'typescript-eslint'

// The rules that hold the design, each with the files in which it does not apply. `test/lint.test.ts` proves that they bite.

/** Where promises may exist: file I/O, cryptography and stores, and the transport below the handlers. */
const promiseFiles = [
  'src/auth/stackit-*.ts',
  'src/auth/*credentials*.ts',
  'src/auth/*store*.ts',
  'src/clients/stackit/credentials.ts',
  'src/http/undici-transport.ts',
  'src/streams/async-iterable.ts',
  'src/streams/checkpoints.ts',
  'src/streams/destination-folder.ts',
  'src/streams/folder.ts',
  'src/streams/hasher.ts',
  'src/streams/hashing.ts',
  'src/streams/ignore-patterns.ts',
  'src/streams/pieces.ts',
  'src/streams/sinks.ts',
  'src/streams/sources.ts',
]
/** Programs and servers of their own, which share no runtime with the clients. */
const programFiles = ['src/testing/cloud/**', 'src/bin.ts']
/** Files that move data, where reading ahead without bound would hold a whole object in memory. */
const transferFiles = [
  'src/streams/**',
  'src/clients/synnefo/{pithos,storage,swift}/**',
  'src/clients/synnefo/{pithos,storage,swift}.ts',
]
/** The only subclasses of classes of RxJS: the timer that does not keep a process alive, and the token subject. */
const subclassFiles = ['src/runtime.ts', 'src/auth/token-subject.ts']

/**
 * A rule that forbids whatever matches one of the selectors, and every use of the named globals, in types as well.
 * @param {{ message: string, selectors?: readonly string[], globals?: readonly string[] }} what
 * @returns {import('eslint').Rule.RuleModule}
 */
function forbid({ message, selectors = [], globals = [] }) {
  return {
    meta: { type: 'problem', schema: [] },
    create(context) {
      /** @param {import('eslint').Rule.Node} found */
      const report = (found) => {
        context.report({ node: found, message })
      }
      const visitor = Object.fromEntries(selectors.map((selector) => [selector, report]))
      visitor['Program:exit'] = () => {
        const scope = context.sourceCode.scopeManager.globalScope
        for (const name of globals) {
          const variable = scope?.set.get(name)
          const known = variable?.defs.length === 0 ? variable.references : []
          const unknown = scope?.through.filter(({ identifier }) => identifier.name === name) ?? []
          for (const { identifier } of new Set([...known, ...unknown])) report(identifier)
        }
      }
      return visitor
    },
  }
}

const clockMembers = [
  ['Date', 'now'],
  ['performance', 'now|timeOrigin'],
  ['Math', 'random'],
  ['process', 'hrtime|uptime'],
  ['AbortSignal', 'timeout'],
]
const globalTimers = ['setTimeout', 'setInterval', 'setImmediate']

/** @type {import('eslint').ESLint.Plugin} */
const design = {
  rules: {
    'no-clock': forbid({
      message: 'Take time and chance from the Runtime: only then do clients run in virtual time.',
      globals: globalTimers,
      selectors: [
        ...clockMembers.flatMap(([object, member]) => [
          `MemberExpression[object.name='${object}'][property.name=/^(${member})$/]`,
          `MemberExpression[object.name='${object}'][property.value=/^(${member})$/]`,
          `VariableDeclarator[init.name='${object}'] > ObjectPattern > Property[key.name=/^(${member})$/]`,
        ]),
        `MemberExpression[object.name='globalThis'][property.name=/^(${globalTimers.join('|')})$/]`,
        "NewExpression[callee.name='Date'][arguments.length=0]",
        "CallExpression[callee.name='Date']",
        'ImportDeclaration[source.value=/^(node:)?(timers|timers.promises|perf_hooks)$/]',
      ],
    }),
    'no-promise': forbid({
      message: 'Between the transport and the caller there are handlers and Observables, no promises.',
      globals: ['Promise', 'PromiseLike'],
      selectors: [
        ':function[async=true]',
        'AwaitExpression',
        'ForOfStatement[await=true]',
        "CallExpression[callee.property.name='then']",
        'ImportSpecifier[imported.name=/^(first|last)ValueFrom$/]',
      ],
    }),
    'no-pulled-source': forbid({
      message:
        '`from` reads an iterable or a stream without back-pressure and does not close it: read by index with `defer` and `mergeMap`.',
      selectors: [
        "ImportDeclaration[source.value='rxjs'] > ImportSpecifier[imported.name='from']",
        "ImportDeclaration[source.value='rxjs'] > ImportNamespaceSpecifier",
      ],
    }),
    'no-share-replay': forbid({
      message:
        'Use `share` and say when it resets: `shareReplay` keeps its source, and a stale value, for ever.',
      selectors: [
        "ImportSpecifier[imported.name='shareReplay']",
        "MemberExpression[property.name='shareReplay']",
        "CallExpression[callee.name='shareReplay']",
      ],
    }),
    'no-default-export': forbid({
      message: 'Export by name.',
      selectors: ['ExportDefaultDeclaration', "ExportSpecifier[exported.name='default']"],
    }),
    'no-enum': forbid({ message: 'Use a union of strings.', selectors: ['TSEnumDeclaration'] }),
    'no-vague-file-name': {
      meta: { type: 'suggestion', schema: [] },
      create: (context) => ({
        Program(program) {
          if (!/^(.*[-.])?(utils?|utilities|helpers?|common|misc)\./.test(basename(context.filename))) return
          context.report({ node: program, message: 'Name the file after what is in it.' })
        },
      }),
    },
  },
}

const rxjsOff = Object.fromEntries(Object.keys(rxjs.rules).map((rule) => [`rxjs-x/${rule}`, 'off']))

export default defineConfig(
  {
    ignores: [
      'dist/',
      'coverage/',
      'src/testing/cloud/stackit/document-data.ts',
      'src/clients/stackit/services/',
      'src/clients/stackit/all.ts',
    ],
  },
  { linterOptions: { reportUnusedDisableDirectives: 'error' } },
  tseslint.configs.strictTypeChecked,
  tseslint.configs.stylisticTypeChecked,
  rxjs.configs.strict,
  node.configs['flat/recommended-module'],
  {
    languageOptions: { parserOptions: { projectService: true } },
    plugins: { design },
    settings: { n: { convertPath: { 'src/**/*.ts': ['^src/(.+)\\.ts$', 'dist/$1.js'] } } },
    rules: {
      eqeqeq: 'error',
      'no-console': 'error',
      'no-implicit-coercion': ['error', { boolean: false }],
      'object-shorthand': 'error',
      '@typescript-eslint/consistent-type-exports': 'error',
      '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreVoidReturningFunctions: true }],
      // `answer['name']` says that nobody vouches for the field.
      '@typescript-eslint/dot-notation': ['error', { allowIndexSignaturePropertyAccess: true }],
      '@typescript-eslint/no-import-type-side-effects': 'error',
      '@typescript-eslint/no-misused-spread': ['error', { allow: ['string'] }],
      '@typescript-eslint/no-unused-vars': [
        'error',
        { argsIgnorePattern: '^_', varsIgnorePattern: '^_', ignoreRestSiblings: true },
      ],
      // Errors that are not ours pass through as they are: the reason of a signal, what a user's function threw.
      '@typescript-eslint/only-throw-error': [
        'error',
        { allowThrowingAny: false, allowThrowingUnknown: true },
      ],
      '@typescript-eslint/prefer-promise-reject-errors': [
        'error',
        { allowThrowingAny: false, allowThrowingUnknown: true },
      ],
      'rxjs-x/throw-error': ['error', { allowThrowingAny: false, allowThrowingUnknown: true }],
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true }],
      '@typescript-eslint/switch-exhaustiveness-check': [
        'error',
        { considerDefaultExhaustiveForUnions: true, requireDefaultForNonUnion: true },
      ],
      'rxjs-x/no-sharereplay': ['error', { allowConfig: false }],
      // The compiler finds missing modules, and knows that `./a.js` is `./a.ts`.
      'n/no-missing-import': 'off',
      'n/prefer-node-protocol': 'error',
      'design/no-default-export': 'error',
      'design/no-enum': 'error',
      'design/no-share-replay': 'error',
      'design/no-vague-file-name': 'error',
    },
  },
  {
    files: ['src/**'],
    rules: {
      'n/no-top-level-await': 'error',
      'rxjs-x/no-ignored-subscription': 'error',
      '@typescript-eslint/explicit-module-boundary-types': 'error',
    },
  },
  { files: ['src/**'], ignores: ['src/runtime.ts', ...programFiles], rules: { 'design/no-clock': 'error' } },
  { files: ['src/**'], ignores: [...promiseFiles, ...programFiles], rules: { 'design/no-promise': 'error' } },
  { files: transferFiles, rules: { 'design/no-pulled-source': 'error' } },
  { files: subclassFiles, rules: { 'rxjs-x/no-subclass': 'off' } },
  {
    files: ['src/testing/cloud/**'],
    rules: { '@typescript-eslint/require-await': 'off' },
  },
  {
    files: ['src/bin.ts', 'examples/**', 'bench/**', 'scripts/**', '.ci/**'],
    rules: { 'no-console': 'off', 'n/no-process-exit': 'off', 'n/no-top-level-await': 'off' },
  },
  {
    files: ['test/**', 'examples/**/*.test.ts'],
    // Tests do on purpose what users might do by mistake.
    rules: {
      'rxjs-x/no-floating-observables': 'off',
      'rxjs-x/no-ignored-error': 'off',
      'rxjs-x/no-implicit-any-catch': 'off',
      'rxjs-x/no-nested-subscribe': 'off',
      'rxjs-x/no-redundant-notify': 'off',
      'rxjs-x/no-subject-unsubscribe': 'off',
      'rxjs-x/no-unsafe-subject-next': 'off',
      'rxjs-x/throw-error': 'off',
      '@typescript-eslint/no-non-null-assertion': 'off',
      '@typescript-eslint/no-unsafe-assignment': 'off',
      '@typescript-eslint/require-await': 'off',
      '@typescript-eslint/unbound-method': 'off',
      'n/no-unsupported-features/node-builtins': ['error', { allowExperimental: true }],
    },
  },
  {
    files: ['examples/**', 'bench/**', 'scripts/**', 'test/**', '.ci/**'],
    rules: {
      // A stream of ours that ends without a value is an error already.
      'rxjs-x/no-ignored-default-value': 'off',
      'n/no-extraneous-import': 'off',
      'n/no-unpublished-import': 'off',
      'n/no-unpublished-require': 'off',
    },
  },
  {
    files: ['**/*.{js,cjs,mjs}'],
    ignores: ['src/**'],
    extends: [tseslint.configs.disableTypeChecked],
    rules: { ...rxjsOff, 'n/no-unpublished-import': 'off' },
  },
  {
    files: ['**/*.cjs'],
    languageOptions: { sourceType: 'commonjs' },
    rules: { '@typescript-eslint/no-require-imports': 'off', 'n/no-missing-require': 'off' },
  },
  { files: ['*.config.{js,ts}'], rules: { 'design/no-default-export': 'off' } },
)
