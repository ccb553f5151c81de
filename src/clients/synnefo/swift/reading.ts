import { map, type Observable } from 'rxjs'
import { ResponseFormatError } from '../../../errors.js'
import { call, type Api } from '../../../http/api.js'
import type { HttpResponse } from '../../../http/types.js'
import { checkRange, partsOf } from '../storage/byte-ranges.js'
import type { ObjectName } from '../storage/names.js'
import type { ByteRange } from '../storage/options.js'
import { receive } from '../storage/reading.js'
import { checkVersion } from './features.js'
import { namedSwift, swiftStateIn } from './headers.js'
import { getSwiftObject, headSwiftObject } from './object-operations.js'
import type { SwiftInfoOptions, SwiftReadOptions } from './options.js'
import type { SwiftObjectContent, SwiftObjectInfo, SwiftObjectParts } from './schemas.js'

export function readSwiftInfo(
  api: Api,
  name: ObjectName,
  options: SwiftInfoOptions = {},
): Observable<SwiftObjectInfo> {
  const { version } = options
  checkVersion(version)
  return call(api, headSwiftObject, { name, version, conditions: options }, options).pipe(
    map((state) => ofVersion(namedSwift(name, state), version)),
  )
}

export function readSwiftObject(
  api: Api,
  name: ObjectName,
  { range, ...options }: SwiftReadOptions = {},
): Observable<SwiftObjectContent> {
  if (range !== undefined) checkRange(range, 'options.range')
  const ranges = range === undefined ? [] : [range]
  return receiveSwift(api, name, ranges, options, (response) => {
    const { body } = response
    if (range === undefined) return { info: infoOf(name, response, body.length), bytes: body, offset: 0 }
    const { total, parts } = partsOf(response, ranges)
    const [part = { bytes: new Uint8Array(), offset: 0 }] = parts
    return { info: infoOf(name, response, total), ...part }
  })
}

/** Reads several ranges of an object with one request. */
export function readSwiftRanges(
  api: Api,
  name: ObjectName,
  ranges: readonly ByteRange[],
  options: Omit<SwiftReadOptions, 'range'> = {},
): Observable<SwiftObjectParts> {
  if (ranges.length === 0) throw new TypeError('ranges: expected a list that is not empty')
  ranges.forEach((range, index) => {
    checkRange(range, `ranges[${index}]`)
  })
  return receiveSwift(api, name, ranges, options, (response) => {
    const { total, parts } = partsOf(response, ranges)
    return { info: infoOf(name, response, total), parts }
  })
}

function receiveSwift<T extends { readonly info: SwiftObjectInfo }>(
  api: Api,
  name: ObjectName,
  ranges: readonly ByteRange[],
  options: Omit<SwiftReadOptions, 'range'>,
  contentOf: (response: HttpResponse) => T,
): Observable<T> {
  const { version } = options
  checkVersion(version)
  return receive(api, name, ranges, options, getSwiftObject).pipe(
    map((response) => {
      const content = contentOf(response)
      ofVersion(content.info, version)
      return content
    }),
  )
}

function infoOf(name: ObjectName, response: HttpResponse, bytes: number): SwiftObjectInfo {
  return namedSwift(name, swiftStateIn(response, bytes))
}

/** A store that keeps no versions answers with what is there now, whatever was asked for. */
function ofVersion(info: SwiftObjectInfo, version: string | undefined): SwiftObjectInfo {
  if (version === undefined || info.version === version) return info
  throw new ResponseFormatError(
    `version ${version} was asked for, but the answer is of ${info.version === undefined ? 'none' : String(info.version)}`,
    { issues: ['x-object-version-id: not the version that was asked for'] },
  )
}
