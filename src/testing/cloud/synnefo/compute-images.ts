import type { Exchange, User } from '../service.js'
import {
  forbidden,
  isObject,
  itemNotFound,
  malformedRequest,
  notImplemented,
  readJson,
  readJsonObject,
} from './answers.js'
import { changedSince } from './changes-since.js'
import type { Image } from './seeds.js'
import { isVisible } from './server-order.js'
import type { SynnefoState } from './state.js'
import { fullImage, shortImage } from './views.js'
import type { UserRoutes } from './user-routes.js'

/** Images as compute shows them (synnefo dossier 7). */
export function routeImages(routes: UserRoutes, state: SynnefoState): void {
  const list =
    (view: (exchange: Exchange, image: Image) => unknown) =>
    (exchange: Exchange, user: User): void => {
      const since = changedSince(exchange, state.wallNow())
      // Nothing changed is an empty list here, not a 304 (6.3).
      const images = [...state.images.values()].filter(
        (image) => isVisible(image, user) && (since === undefined || image.updated >= since),
      )
      exchange.json(200, { images: images.map((image) => view(exchange, image)) })
    }
  const imageFor = (user: User, id = ''): Image => {
    const image = state.images.get(id)
    if (image === undefined || !isVisible(image, user)) throw itemNotFound('Image not found.')
    return image
  }
  const ownImage = (user: User, id = ''): Image => {
    const image = imageFor(user, id)
    if (image.ownerId !== user.id) throw forbidden('')
    return image
  }
  const change = (image: Image, items: Iterable<readonly [string, unknown]>): void => {
    const texts = [...items].map(([key, value]): readonly [string, string] => {
      if (typeof value !== 'string') throw malformedRequest()
      return [key, value]
    })
    for (const [key, value] of texts) image.properties.set(key, value)
    image.updated = state.wallNow()
  }

  routes.collection('GET', '/images', list(shortImage))
  routes.collection('GET', '/images/detail', list(fullImage))
  routes.collection('POST', '/images', () => {
    throw notImplemented('Images are registered with the image service.')
  })
  routes.item('GET', '/images/:imageId', (exchange, user, params) => {
    exchange.json(200, { image: fullImage(exchange, imageFor(user, params['imageId'])) })
  })
  routes.item('DELETE', '/images/:imageId', (exchange, user, params) => {
    ownImage(user, params['imageId']).deleted = true
    exchange.send(204)
  })
  routes.collection('GET', '/images/:imageId/metadata', (exchange, user, params) => {
    exchange.json(200, { metadata: Object.fromEntries(imageFor(user, params['imageId']).properties) })
  })
  routes.collection('POST', '/images/:imageId/metadata', async (exchange, user, params) => {
    const image = ownImage(user, params['imageId'])
    change(image, Object.entries(await readJsonObject(exchange, 'metadata')))
    exchange.json(201, { metadata: Object.fromEntries(image.properties) })
  })
  routes.item('GET', '/images/:imageId/metadata/:key', (exchange, user, params) => {
    const key = params['key'] ?? ''
    const value = imageFor(user, params['imageId']).properties.get(key)
    if (value === undefined) throw itemNotFound('Metadata key not found.')
    exchange.json(200, { meta: { [key]: value } })
  })
  routes.item('PUT', '/images/:imageId/metadata/:key', async (exchange, user, params) => {
    const image = ownImage(user, params['imageId'])
    const key = params['key'] ?? ''
    const body = await readJson(exchange)
    const meta = isObject(body) ? body['meta'] : undefined
    if (!isObject(meta) || Object.keys(meta).length !== 1 || !(key in meta)) throw malformedRequest()
    change(image, [[key, meta[key]]])
    exchange.json(201, { meta: { [key]: image.properties.get(key) } })
  })
  routes.item('DELETE', '/images/:imageId/metadata/:key', (exchange, user, params) => {
    // Writes back what is left, in merge mode: nothing is ever removed (7).
    ownImage(user, params['imageId']).updated = state.wallNow()
    exchange.send(204)
  })
}
