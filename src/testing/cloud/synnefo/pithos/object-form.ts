import type { Body } from './content.js'
import { badRequest } from './failure.js'
import { createFormReader } from './form.js'
import type { ObjectPlace } from './object-read.js'
import { entityTag } from './object-view.js'
import { store, storeData, writtenHeaders } from './object-write.js'
import { replyText, TEXT_TYPE } from './reply.js'
import { bodyOf, type Request } from './request.js'
import type { State } from './state.js'

const FIELD = 'X-Object-Data'
const DEFAULT_TYPE = 'application/octet-stream'

/** Creates or replaces an object by the file of an HTML form; the answer's body is its entity tag (pithos dossier 7.2). */
export async function createFromForm(
  state: State,
  request: Request,
  place: ObjectPlace,
  formType: string,
): Promise<void> {
  const [, quoted, plain] = /;\s*boundary=(?:"([^"]+)"|([^;\s]+))/i.exec(formType) ?? []
  const boundary = quoted ?? plain
  if (boundary === undefined) throw badRequest('Invalid form data')
  const form = bodyOf(request, state.limits.body)
  let type: string | undefined
  const body: Body = async (take) => {
    const reader = createFormReader(boundary, FIELD, take)
    await form(reader.take)
    type = reader.type()
  }
  const data = await storeData(state, body, false)
  if (type === undefined) throw badRequest(`Missing ${FIELD} field`)
  const wanted = { meta: new Map<string, string>(), attributes: {} }
  const version = store(state, request, place, wanted, { ...data, type: type === '' ? DEFAULT_TYPE : type })
  replyText(request.exchange, 201, TEXT_TYPE, entityTag(state, version), writtenHeaders(state, version))
}
