/** The cloud's public network and what is left of its addresses. */
export interface AddressPool {
  readonly networkId: string
  take(): string | undefined
  give(address: string): void
}

/** 198.18.0.0/15 is set aside for tests of networks and large enough for every fleet. */
const FIRST = (198 << 24) + (18 << 16) + 2
const COUNT = 2 ** 17 - 3

export function createAddressPool(networkId: string): AddressPool {
  const returned: string[] = []
  let used = 0
  return {
    networkId,
    take() {
      if (used < COUNT) return dotted(FIRST + used++)
      return returned.shift()
    },
    give(address) {
      returned.push(address)
    },
  }
}

function dotted(address: number): string {
  return [24, 16, 8, 0].map((shift) => String((address >>> shift) & 255)).join('.')
}
