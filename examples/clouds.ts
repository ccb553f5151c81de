// Where the examples find a cloud: a real one if the environment has credentials for it, else the embedded one.
import { createStackit, type StackitClient } from 'skystream/stackit'
import { createSynnefo, type SynnefoClient } from 'skystream/synnefo'
import { startCloud, type EmbeddedCloud } from 'skystream/testing/cloud'

export interface Clouds {
  readonly synnefo: SynnefoClient
  readonly stackit: StackitClient
  /** What to say of where they are. */
  readonly where: { readonly synnefo: string; readonly stackit: string }
  close(): Promise<void>
}

/** `SYNNEFO_AUTH_URL` and `SYNNEFO_TOKEN`, and STACKIT's own variables, choose real clouds. */
export async function openClouds(): Promise<Clouds> {
  const { env } = process
  const realSynnefo = Boolean(env['SYNNEFO_AUTH_URL'] && env['SYNNEFO_TOKEN'])
  const realStackit = Object.keys(env).some((name) => name.startsWith('STACKIT_') && env[name])
  const embedded = realSynnefo && realStackit ? undefined : await startEmbedded()

  const synnefo =
    embedded === undefined || realSynnefo
      ? createSynnefo({ authUrl: env['SYNNEFO_AUTH_URL'] ?? '', token: env['SYNNEFO_TOKEN'] ?? '' })
      : createSynnefo({ authUrl: embedded.synnefo.authUrl, token: embedded.synnefo.token })
  const stackit =
    embedded === undefined || realStackit
      ? createStackit()
      : createStackit({
          serviceAccountKey: JSON.stringify(embedded.stackit.serviceAccountKey),
          tokenEndpoint: embedded.stackit.tokenUrl,
        })

  return {
    synnefo,
    stackit,
    where: {
      synnefo: realSynnefo ? (env['SYNNEFO_AUTH_URL'] ?? '') : `${embedded?.synnefo.url ?? ''} (embedded)`,
      stackit: realStackit ? 'STACKIT' : `${embedded?.stackit.url ?? ''} (embedded)`,
    },
    close: async () => {
      synnefo.close()
      stackit.close()
      await embedded?.close()
    },
  }
}

// Three minutes of building take four and a half seconds; tokens live four seconds, so that their renewal can be seen.
function startEmbedded(): Promise<EmbeddedCloud> {
  return startCloud({ clock: { speed: 40 }, stackit: { tokenLifetimeMs: 4_000 } })
}
