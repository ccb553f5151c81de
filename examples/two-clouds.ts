// npx tsx examples/two-clouds.ts - one question to two clouds at once, and two streams as one.
import { count, filter, forkJoin, lastValueFrom, map, merge, take, tap } from 'rxjs'
import { openClouds } from './clouds.js'

const clouds = await openClouds()
try {
  const { synnefo, stackit } = clouds

  // Both answers together, or the first error: forkJoin cancels the other request then.
  const overview = forkJoin({
    images: synnefo.images.list().pipe(count()),
    user: synnefo.identity.authenticate().pipe(map(({ user }) => user.name)),
    expiresAt: stackit.tokens.token().pipe(map(({ expiresAt }) => expiresAt ?? Infinity)),
  })
  const { images, user, expiresAt } = await lastValueFrom(overview)
  console.log(
    `${user} sees ${String(images)} images; STACKIT's token is ${expiresAt > 0 ? 'granted' : 'missing'}`,
  )

  // Two sources of the same kind of event are one stream.
  const tokens = merge(
    synnefo.tokens.pipe(map(({ kind }) => `synnefo ${kind}`)),
    stackit.tokens.pipe(map(({ kind }) => `stackit ${kind}`)),
  ).pipe(
    filter((text) => text.endsWith('valid')),
    tap((text) => {
      console.log(text)
    }),
    take(2),
  )
  await lastValueFrom(tokens)
} finally {
  await clouds.close()
}
