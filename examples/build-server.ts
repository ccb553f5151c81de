// npx tsx examples/build-server.ts - a server is built, read with `for await`, given up after a minute.
import { firstValueFrom } from 'rxjs'
import { toAsyncIterable } from 'skystream'
import { openClouds } from './clouds.js'

const clouds = await openClouds()
try {
  const { servers, flavors, images } = clouds.synnefo
  const flavor = await firstValueFrom(flavors.list())
  const image = await firstValueFrom(images.list())
  const building = servers.build({ name: 'example', flavorRef: flavor.id, imageRef: image.id })

  for await (const event of toAsyncIterable(building, { signal: AbortSignal.timeout(60_000) })) {
    if (event.kind === 'submitted') console.log(`submitted ${JSON.stringify(event.ref.args)}`)
    if (event.kind === 'progress') console.log(`${event.state} ${String(event.percent ?? 0)}%`)
    if (event.kind === 'retrying') console.log(`busy, next try in ${String(event.delayMs)} ms`)
    if (event.kind === 'done') console.log(`server ${String(event.result.id)} is ${event.result.status}`)
  }
} finally {
  await clouds.close()
}
