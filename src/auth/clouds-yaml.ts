import { ConfigurationError } from '../errors.js'
import { fileTrouble, missingFile } from './file-trouble.js'
import type { Places } from './openstack-places.js'
import { configurationError, settingNames } from './openstack-settings.js'

/** A search that yields the paths of the files it wants to read, and is given what is in them. */
export type Search<T> = Generator<string, T, unknown>

/** The texts of one cloud, those under `auth` beside the others. */
export type CloudFields = Readonly<Record<string, string | undefined>>

/** A cloud of the first `clouds.yaml` there is, with what the first `secure.yaml` adds to it. */
export function* findCloud(name: string, places: Places): Search<{ fields: CloudFields; foundAt: string }> {
  const clouds = yield* firstFile(places.candidates('clouds.yaml'), places)
  const secure = yield* firstFile(places.candidates('secure.yaml'), places)
  const found = [clouds, secure].filter((file) => file !== undefined)
  const inFiles = found.filter((file) => file.clouds[name] !== undefined)
  if (inFiles.length === 0) {
    const names = found.flatMap((file) => Object.keys(file.clouds))
    const known = names.length === 0 ? '' : `; there are: ${[...new Set(names)].sort().join(', ')}`
    throw places.failure(`there is no cloud '${name}'${known}`)
  }
  const fields = inFiles.map((file) => fieldsOf(file.clouds[name], `cloud '${name}' in ${file.path}`))
  return {
    fields: Object.assign({}, ...fields) as CloudFields,
    foundAt: `cloud '${name}' in ${inFiles.map(({ path }) => path).join(' and ')}`,
  }
}

interface CloudsFile {
  readonly path: string
  readonly clouds: Readonly<Record<string, unknown>>
}

function* firstFile(paths: readonly string[], places: Places): Search<CloudsFile | undefined> {
  for (const path of paths) {
    try {
      const content = yield path
      places.saw(`file ${path}: read`)
      return { path, clouds: cloudsIn(content, path) }
    } catch (error) {
      if (error instanceof ConfigurationError) throw error
      const trouble = fileTrouble(error)
      places.saw(`file ${path}: ${trouble}`)
      if (trouble !== missingFile) throw places.failure(`file ${path} ${trouble}`)
    }
  }
  return undefined
}

function cloudsIn(content: unknown, path: string): CloudsFile['clouds'] {
  const clouds = isRecord(content) ? (content['clouds'] ?? {}) : content === null ? {} : content
  if (clouds === '') return {}
  if (!isRecord(clouds))
    throw configurationError(`file ${path}: expected clouds by their names under 'clouds'`)
  return clouds
}

function fieldsOf(cloud: unknown, foundAt: string): CloudFields {
  if (!isRecord(cloud)) throw configurationError(`${foundAt}: expected its settings by their names`)
  const auth = cloud['auth'] ?? {}
  if (!isRecord(auth) && auth !== '')
    throw configurationError(`${foundAt}: expected settings by their names under 'auth'`)
  const all = { ...cloud, ...(auth === '' ? {} : auth) }
  const texts = Object.entries(all).filter((field): field is [string, string] => typeof field[1] === 'string')
  for (const name of settingNames) {
    if (all[name] !== undefined && typeof all[name] !== 'string')
      throw configurationError(`${foundAt}: expected a text as ${name}`)
  }
  return Object.fromEntries(texts.filter(([, text]) => text.trim() !== ''))
}

/** Why a cloud of a vendor's profile may lack what it has elsewhere. */
export function profileOf({ profile, cloud = profile }: CloudFields): string {
  return cloud === undefined
    ? ''
    : ` (the profile '${cloud}' is not known here: write its settings into the cloud)`
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
