import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { OpenApiDocument } from '../generate/open-api-document.js'
import type { WaiterSpec } from './waiters.js'

/** A row of `index.json`: what is known of a document from outside of it. */
export interface IndexRow {
  readonly service: string
  readonly version: string
  readonly file: string
  readonly default: boolean
  readonly deprecated: boolean
  readonly baseUrl: string
  readonly regionInHost: boolean
  readonly regions: readonly string[]
  /** What the reference SDKs have of it. */
  readonly pythonPackage?: string | null
  readonly goPackage?: string | null
}

/** Values that the documents list in prose only: by service and version, then by the way to the schema. */
export type OpenEnums = Readonly<Record<string, Readonly<Record<string, readonly string[]>>>>

export interface Documents {
  readonly index: readonly IndexRow[]
  readonly openEnums: OpenEnums
  readonly waiters: readonly WaiterSpec[]
  readonly read: (row: IndexRow) => OpenApiDocument
}

export function openDocuments(folder: string): Documents {
  const read = (file: string): unknown => JSON.parse(readFileSync(join(folder, file), 'utf8'))
  return {
    index: read('index.json') as readonly IndexRow[],
    openEnums: read('open-enums.json') as OpenEnums,
    waiters: read('waiters.json') as readonly WaiterSpec[],
    read: ({ file }) => read(file) as OpenApiDocument,
  }
}
