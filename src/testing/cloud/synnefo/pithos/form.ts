import type { Cutter } from './cutter.js'
import { badRequest } from './failure.js'

const END_OF_HEADERS = '\r\n\r\n'
const MAX_HEADERS = 16_384

/** Reads one file out of a `multipart/form-data` body, as it comes. */
export interface FormReader extends Pick<Cutter, 'take'> {
  /** The content type of the file, once it began; `''` where the form tells none. */
  type(): string | undefined
}

/** Hands the bytes of the first file with this field name on; all else in the form is overlooked. */
export function createFormReader(
  boundary: string,
  field: string,
  use: (bytes: Buffer) => Promise<void> | undefined,
): FormReader {
  const delimiter = Buffer.from(`\r\n--${boundary}`, 'latin1')
  // The first delimiter stands at the beginning, without a line before it.
  let rest = Buffer.from('\r\n')
  let reading: 'headers' | 'file' | 'other' | 'nothing more' = 'other'
  let type: string | undefined

  const readHeaders = (): boolean => {
    if (rest.length >= 2 && rest.subarray(0, 2).equals(Buffer.from('--'))) {
      reading = 'nothing more'
      return false
    }
    const end = rest.indexOf(END_OF_HEADERS)
    if (end < 0) {
      if (rest.length > MAX_HEADERS) throw badRequest('Invalid form data')
      return false
    }
    const headers = rest.toString('utf8', 0, end)
    rest = rest.subarray(end + END_OF_HEADERS.length)
    const found = type === undefined && isFile(headers, field)
    reading = found ? 'file' : 'other'
    if (found) type = /^content-type:\s*(.+)$/im.exec(headers)?.[1]?.trim() ?? ''
    return true
  }
  const readContent = async (): Promise<boolean> => {
    const at = rest.indexOf(delimiter)
    // What may be the beginning of a delimiter waits for the rest of it.
    const end = at < 0 ? Math.max(rest.length - delimiter.length + 1, 0) : at
    if (reading === 'file' && end > 0) await use(rest.subarray(0, end))
    rest = rest.subarray(at < 0 ? end : at + delimiter.length)
    if (at >= 0) reading = 'headers'
    return at >= 0
  }
  return {
    async take(chunk) {
      if (reading === 'nothing more') return
      rest = Buffer.concat([rest, chunk])
      while (reading === 'headers' ? readHeaders() : await readContent());
    },
    type: () => type,
  }
}

function isFile(headers: string, field: string): boolean {
  const disposition = /^content-disposition:(.+)$/im.exec(headers)?.[1] ?? ''
  const name = /;\s*name="([^"]*)"/i.exec(disposition)?.[1]
  return name === field && /;\s*filename="/i.test(disposition)
}
