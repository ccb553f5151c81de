import { posix } from 'node:path'

const TYPES: Readonly<Record<string, string>> = {
  bin: 'application/octet-stream',
  bmp: 'image/bmp',
  css: 'text/css',
  csv: 'text/csv',
  gif: 'image/gif',
  gz: 'application/gzip',
  htm: 'text/html',
  html: 'text/html',
  jpeg: 'image/jpeg',
  jpg: 'image/jpeg',
  js: 'application/javascript',
  json: 'application/json',
  md: 'text/markdown',
  mp3: 'audio/mpeg',
  mp4: 'video/mp4',
  pdf: 'application/pdf',
  png: 'image/png',
  svg: 'image/svg+xml',
  tar: 'application/x-tar',
  txt: 'text/plain',
  xml: 'application/xml',
  zip: 'application/zip',
}
const ENCODINGS = new Set(['.gz', '.bz2', '.xz'])
const DEFAULT_TYPE = 'application/octet-stream'

/** The type by the end of the name; of `a.tar.gz`, that of the archive inside. */
export function guessType(name: string): string {
  const last = posix.extname(name)
  const inner = ENCODINGS.has(last) ? posix.extname(name.slice(0, -last.length)) : ''
  const typed = inner === '' ? last : inner
  return TYPES[typed.slice(1).toLowerCase()] ?? DEFAULT_TYPE
}

/** Without the blanks around parameters, as listings show it. */
export function tidyType(type: string): string {
  return type
    .split(';')
    .map((part) => part.trim())
    .join(';')
}
