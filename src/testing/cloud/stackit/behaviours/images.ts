import { createHash } from 'node:crypto'
import { createRoutes, type Routes } from '../../routes.js'
import type { Exchange } from '../../service.js'
import { makeFrom } from '../acts.js'
import { sendError } from '../answers.js'
import type { Api, Behaviour, Call, World } from '../call.js'
import type { Reply } from '../reply.js'
import { replyWith } from '../replies.js'

// An image is made in two steps: what it is, then a PUT of its content to a URL that needs no token (stackit dossier 7.4, 12.6).

interface Upload {
  readonly api: Api
  readonly call: Call
  readonly path: string
  isUsed: boolean
}
const uploads = new WeakMap<object, Map<string, Upload>>()
const uploadsOf = (api: Api): Map<string, Upload> => {
  const found = uploads.get(api.world) ?? new Map<string, Upload>()
  uploads.set(api.world, found)
  return found
}
/** Parts in which the import goes on. */
const STEPS = 4

function create(call: Call): Reply {
  const { api, exchange } = call
  const image = makeFrom(call, call.body)
  // Nothing moves before the content has come.
  image.stop?.()
  image.fields['status'] = 'CREATING'
  image.fields['importProgress'] = 0
  image.fields = { ...image.fields, checksum: undefined, size: undefined }
  const secret = api.world.chance.hex(40)
  uploadsOf(api).set(secret, { api, call, path: image.path, isUsed: false })
  return replyWith(call, image, {
    isNew: true,
    known: { uploadUrl: `${exchange.origin}/image-uploads/${secret}` },
  })
}

/** Where the content of images is put. */
export function routeUploads(world: World): Routes {
  const routes = createRoutes()
  const { wallNow } = world
  routes.on('PUT', '/image-uploads/:secret', async (exchange, params) => {
    const fail = (status: number, message: string): void => {
      sendError(exchange, wallNow(), status, message)
    }
    const upload = uploads.get(world)?.get(params['secret'] ?? '')
    const image = upload?.api.store.get(upload.path)
    if (upload === undefined || image === undefined || upload.isUsed) {
      fail(403, 'This URL is not good, or not any more')
    } else if (exchange.headers.authorization !== undefined) {
      fail(400, 'Only one way of authentication is allowed')
    } else if (exchange.headers['content-length'] === undefined) {
      fail(411, 'Content-Length is required')
    } else {
      upload.isUsed = true
      await take(exchange, upload)
    }
  })
  return routes
}

async function take(exchange: Exchange, upload: Upload): Promise<void> {
  const { api, call, path } = upload
  const hash = createHash('sha512')
  let size = 0
  try {
    await exchange.receive((chunk) => {
      hash.update(chunk)
      size += chunk.length
      return undefined
    })
  } catch (error) {
    upload.isUsed = false
    throw error
  }
  const image = api.store.get(path)
  if (image !== undefined) {
    image.fields['size'] = size
    image.fields['checksum'] = { algorithm: 'sha512', digest: hash.digest('hex') }
    advance(call, path, 1)
  }
  exchange.send(200)
}

/** A part of the import, then the next. */
function advance(call: Call, path: string, step: number): void {
  const { api } = call
  const { steps, walks } = api.world
  const image = api.store.get(path)
  if (image === undefined) return
  const isLast = step === STEPS
  walks.start({
    service: api.model.document.service,
    operationId: call.plan.id,
    resource: image,
    field: 'status',
    walk: { through: 'CREATING', to: isLast ? 'AVAILABLE' : 'CREATING', failed: 'ERROR' },
    ms: steps.createMs / STEPS,
    done() {
      image.fields['importProgress'] = Math.round((100 * step) / STEPS)
      if (!isLast) advance(call, path, step + 1)
    },
  })
}

export const images: Behaviour = { operations: { CreateImage: create } }
