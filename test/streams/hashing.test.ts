import { createHash } from 'node:crypto'
import { afterAll, describe, expect, it } from 'vitest'
import { createHasher } from '../../src/streams/hasher.js'
import {
  hashBlock,
  hashOfNothing,
  isKnownHash,
  lengthWithoutTrailingNuls,
  merkleRoot,
} from '../../src/streams/hashing.js'

const hasher = createHasher(2)
afterAll(() => {
  hasher.close()
})

const E = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'
const KIB = 1024
const MIB4 = 4_194_304

/** Bytes that are never zero, as the dossier's vectors use them. */
function p(length: number): Buffer {
  return Buffer.from(Uint8Array.from({ length }, (_, index) => (index % 251) + 1))
}
function z(length: number): Buffer {
  return Buffer.alloc(length)
}

/** pithos dossier 9.2 */
interface Vector {
  readonly name: string
  readonly blockSize: number
  readonly content: () => Buffer
  readonly blocks: readonly string[]
  readonly root: string
}

const P = [
  'f90eb6607ad372adfbe184f04c1d29061464a6e187e54f8d1ecdfe0ee7a562eb',
  'de57c680670beeddf586416c5cc9c248ff31a1c57c80f39909b1ddc6f0d86021',
  'fae3e20c322438742281e0ffb188c0fb79985514304f3b55fd70402a1a92bdc8',
  'b422144d8c3bd37af347a8dc3adab8c3bfca17e285b7739d710f3502e52b687b',
] as const
const HELLO = '2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824'
const P4M = '7c92c49e2f87906a5af480e76f8c9f9a4c0e9637204d226983bf6398c862ac08'

const vectors: readonly Vector[] = [
  { name: 'A1', blockSize: KIB, content: () => z(0), blocks: [], root: E },
  { name: 'A2', blockSize: KIB, content: () => Buffer.from('hello'), blocks: [HELLO], root: HELLO },
  { name: 'A3', blockSize: KIB, content: () => Buffer.from('hello\0\0\0'), blocks: [HELLO], root: HELLO },
  {
    name: 'A4',
    blockSize: KIB,
    content: () => Buffer.from('\0\0abc\0\0'),
    blocks: ['eef038a0d7129d34d9e20efa91191e6ab64b90fd624ffccc52b9e8216acf3ef5'],
    root: 'eef038a0d7129d34d9e20efa91191e6ab64b90fd624ffccc52b9e8216acf3ef5',
  },
  { name: 'A5', blockSize: KIB, content: () => p(1024), blocks: [P[0]], root: P[0] },
  {
    name: 'A6',
    blockSize: KIB,
    content: () => p(1025),
    blocks: [P[0], '2f0fd1e89b8de1d57292742ec380ea47066e307ad645f5bc3adad8a06ff58608'],
    root: '63e2571ff55aa0a0cb2f6e025765046862fcb1b8d8ce816a160d7f49a71fa5b0',
  },
  {
    name: 'A7',
    blockSize: KIB,
    content: () => p(3072),
    blocks: [P[0], P[1], P[2]],
    root: '65001632c4062991e12756a7e5ae8908cd5081755e5d825ba7f51b65e7862ac9',
  },
  {
    name: 'A8',
    blockSize: KIB,
    content: () => p(4097),
    blocks: [P[0], P[1], P[2], P[3], '4ae81572f06e1b88fd5ced7a1a000945432e83e1551e6f721ee9c00b8cc33260'],
    root: '8691832afc250a50fbc60fd0391bf1e8882278371aac83f68ef8340a1e82f831',
  },
  { name: 'A9', blockSize: KIB, content: () => z(1024), blocks: [E], root: E },
  {
    name: 'A10',
    blockSize: KIB,
    content: () => Buffer.concat([p(1024), z(1024), p(10)]),
    blocks: [P[0], E, 'c848e1013f9f04a9d63fa43ce7fd4af035152c7c669a4a404b67107cee5f2e4e'],
    root: '1bd761d2e4fb51ffbd5f68d4790774b0206fa4162067ab774e48fc224fc5b27a',
  },
  {
    name: 'A11',
    blockSize: KIB,
    content: () => z(2048),
    blocks: [E, E],
    root: '2dba5dbc339e7316aea2683faf839c1b7b1ee2313db792112588118df066aa35',
  },
  {
    name: 'A12',
    blockSize: KIB,
    content: () => p(8192),
    blocks: [
      P[0],
      P[1],
      P[2],
      P[3],
      '85a0b35b394988342b47135b85afc81b0dbb875ba06e37fcc1c3472e136ea0bc',
      '878220247939bd6e8ba80feb88c75fe11710239438a6631358d2b1b2e47a63e4',
      'ca6b94df5df0edbe67d2ab0004601739bd6caac4c40ab4f048800b78663ff946',
      '4de48815f8438100d0e1ad1045da1e380c1e533895277fab59b981ecf7bb4734',
    ],
    root: '904c04b4068b959946f815d48de6882308805acf04bb7343b7ebd69d8b81e1ec',
  },
  { name: 'B1', blockSize: MIB4, content: () => z(0), blocks: [], root: E },
  { name: 'B2', blockSize: MIB4, content: () => Buffer.from('hello'), blocks: [HELLO], root: HELLO },
  { name: 'B3', blockSize: MIB4, content: () => p(4_194_304), blocks: [P4M], root: P4M },
  {
    name: 'B4',
    blockSize: MIB4,
    content: () => p(4_194_305),
    blocks: [P4M, 'd2e2adf7177b7a8afddbc12d1634cf23ea1a71020f6a1308070a16400fb68fde'],
    root: 'a18680cf3e488830d3b81afc8d3f725a06e36105cb586907dea84d09ac7c30c2',
  },
  {
    name: 'B5',
    blockSize: MIB4,
    content: () => p(10_485_760),
    blocks: [
      P4M,
      'dbaac3d432274f46b3f83c7a2f01fc5641c00c81af9b7faeae349b2f9fe38d56',
      '25e9e6ae3e7071f392ae9af9e17a62d489a4686ef6c67aff57ea19fa2aa06df9',
    ],
    root: '440bf6e7e577f45a080ae1ab32f4c8a6202d049a57f83e618db867e593563e90',
  },
  { name: 'B6', blockSize: MIB4, content: () => z(4_194_304), blocks: [E], root: E },
  {
    name: 'B7',
    blockSize: MIB4,
    content: () => z(12_582_912),
    blocks: [E, E, E],
    root: 'c93196c1d61dc9a1a3c116c107cd5a28026f5f91b6b9cc0953f708358a1440ec',
  },
  {
    name: 'B8',
    blockSize: MIB4,
    content: () => Buffer.concat([p(4_194_304), z(4_194_304), p(100)]),
    blocks: [P4M, E, '57e8310931615cb786e0923d1ef88d4ad9f0ab74bf85a807f77fe2a8915001e4'],
    root: '078c596aca1a70ee3c4f8a742f01488d2a810103f130deb73f1ab652c36fab0b',
  },
  {
    name: 'B9',
    blockSize: MIB4,
    content: () => Buffer.concat([p(5_242_880), z(1_048_576)]),
    blocks: [P4M, '6816b8bd10d201b25ccc7091a9aa2676a61b2fe52143c683d1205645d5c729de'],
    root: '073d46c02df2b9b48dd7fa94e0a5bb65f1347a38cb5285bcd1ca1e3ccef0cabf',
  },
]

async function hashesOf(algorithm: string, content: Buffer, blockSize: number): Promise<string[]> {
  const hashes: string[] = []
  for (let offset = 0; offset < content.length; offset += blockSize) {
    hashes.push(await hashBlock(hasher, algorithm, content.subarray(offset, offset + blockSize)))
  }
  return hashes
}

describe('block hashes and Merkle root', () => {
  it.each(vectors)('vector $name', async ({ content, blockSize, blocks, root }) => {
    const hashes = await hashesOf('sha256', content(), blockSize)
    expect(hashes).toEqual(blocks)
    expect(merkleRoot('sha256', hashes)).toBe(root)
  })

  it('is not made for one algorithm', async () => {
    const hashes = await hashesOf('sha1', p(3072), KIB)
    expect(hashes).toEqual([
      '54c3cd050f7721a078235ae107bfec463cf92db6',
      '23ae4793bcb65587e83e2caf50c7dbafc9b0e11b',
      'e25acecb983a0bc17ba57137fb05952bc761d122',
    ])
    expect(merkleRoot('sha1', hashes)).toBe('4f1b43c5cd0a884de9b9b8c9d8d56bab34f3be55')
  })

  it('hashes large blocks the same with algorithms that Web Crypto does not know', async () => {
    const block = p(100_000)
    for (const algorithm of ['sha1', 'sha256', 'sha384', 'sha512', 'md5', 'sha512-256']) {
      expect(await hashBlock(hasher, algorithm, block)).toBe(
        createHash(algorithm).update(block).digest('hex'),
      )
    }
  })

  it('knows the hash of nothing, and which algorithms there are', () => {
    expect(hashOfNothing('sha256')).toBe(E)
    expect(isKnownHash('sha256')).toBe(true)
    expect(isKnownHash('sha257')).toBe(false)
  })
})

describe('lengthWithoutTrailingNuls', () => {
  it.each([
    [z(0), 0],
    [z(1), 0],
    [z(200_000), 0],
    [Buffer.from([0, 1]), 2],
    [Buffer.concat([p(1), z(65_536)]), 1],
    [Buffer.concat([p(70_000), z(65_535)]), 70_000],
    [Buffer.concat([z(65_536), p(1), z(131_072)]), 65_537],
  ])('%#', (block, length) => {
    expect(lengthWithoutTrailingNuls(block)).toBe(length)
  })

  it('looks only at the view', () => {
    const whole = Buffer.concat([p(10), z(10), p(10)])
    expect(lengthWithoutTrailingNuls(whole.subarray(5, 15))).toBe(5)
  })
})
