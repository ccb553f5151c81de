import { lastValueFrom } from 'rxjs'
import { expect, it } from 'vitest'
import { createSynnefo } from '../../../src/clients/synnefo/index.js'
import { startCloud } from '../../../src/testing/cloud/index.js'
import { runExample } from '../../run-example.js'
import { useFolder } from '../../streams/folder.js'

const folder = useFolder()

it('docs/storage.md has examples that work', async () => {
  const cloud = await startCloud({ clouds: ['synnefo'], synnefo: { blockSize: 1024 } })
  const { authUrl, token, other } = cloud.synnefo
  const run = (name: string): Promise<string> =>
    runExample('docs/storage.md', name, {
      given: { authUrl, token, colleague: other.user.id },
      cwd: folder(),
    })
  const reader = createSynnefo({ authUrl, token: other.token })
  try {
    expect(await run('first-steps')).toBe('Hello, world text/plain\n')
    expect(await run('listings')).toBe("[ '2026/' ]\n")
    expect(await run('compare-and-set')).toBe('42\n')
    expect(await run('sharing')).toBe('Hello, world\n')
    const target = { account: cloud.synnefo.user.id, container: 'notes', object: '2026/hello.txt' }
    const { info } = await lastValueFrom(reader.pithos.read(target))
    expect(info.allowedTo).toBe('read')
  } finally {
    reader.close()
    await cloud.close()
  }
})
