import type { Observable } from 'rxjs'
import { describe, expectTypeOf, it } from 'vitest'
import type { ClientOf } from '../../../src/clients/stackit/index.js'
import type * as all from '../../../src/clients/stackit/all.js'
import type * as cdn from '../../../src/clients/stackit/services/cdn/index.js'
import type * as cost from '../../../src/clients/stackit/services/cost/index.js'
import type * as dns from '../../../src/clients/stackit/services/dns/index.js'
import type * as git from '../../../src/clients/stackit/services/git/index.js'
import type * as iaas from '../../../src/clients/stackit/services/iaas/index.js'
import type * as vpc from '../../../src/clients/stackit/services/iaas/v2alpha1/index.js'
import type * as loadBalancer from '../../../src/clients/stackit/services/load-balancer/index.js'
import type * as valkey from '../../../src/clients/stackit/services/valkey/index.js'
import type * as vpn from '../../../src/clients/stackit/services/vpn/index.js'
import type { OperationEvent } from '../../../src/streams/events.js'

// What the compiler says of the generated types: `npm run typecheck` fails where an expectation does not hold.

/** A value of this type, for the compiler only. */
const given = <T>(value: T): T => value

describe('arguments', () => {
  it('leave out what the configuration of the client gives', () => {
    given<dns.GetZoneArguments>({ zoneId: 'z' })
    given<dns.GetZoneArguments>({ projectId: 'p', zoneId: 'z' })
    given<iaas.GetServerArguments>({ projectId: 'p', region: 'eu01', serverId: 's' })
    // @ts-expect-error the zone must be named
    given<dns.GetZoneArguments>({ projectId: 'p' })
  })

  it('are no others than those of the operation', () => {
    // @ts-expect-error a misspelt filter
    given<dns.ListZonesArguments>({ 'dnsName[equal]': 'example.org' })
    // @ts-expect-error global: no region
    given<dns.GetZoneArguments>({ zoneId: 'z', region: 'eu01' })
    // @ts-expect-error it takes none at all
    given<iaas.ListPublicIPRangesArguments>({ projectId: 'p' })
    given<iaas.ListPublicIPRangesArguments>({})
  })

  it('have the types of the wire', () => {
    given<dns.ListZonesArguments>({
      page: 2,
      'labelKey[eq]': ['a'],
      'active[eq]': true,
      'orderBy[name]': 'ASC',
    })
    // @ts-expect-error pages are numbers
    given<dns.ListZonesArguments>({ page: '2' })
    given<vpn.ListGatewaysArguments>({ label_selector: { environment: 'production' } })
    // @ts-expect-error what the organization costs is of some time
    given<cost.ListCostsForCustomerArguments>({ customerAccountId: 'c', from: '2026-01-01' })
  })

  it('need the body where the operation does', () => {
    given<dns.CreateZoneArguments>({ body: { name: 'z', dnsName: 'example.org' } })
    // @ts-expect-error the body is missing
    given<dns.CreateZoneArguments>({ projectId: 'p' })
    // @ts-expect-error no dnsName
    given<dns.CreateZoneArguments>({ body: { name: 'z' } })
    given<dns.ImportRecordSetsArguments>({ zoneId: 'z', format: 'csv', body: 'name,type\n' })
    expectTypeOf<Parameters<dns.DnsClient['listZones']>[0]>().toEqualTypeOf<
      dns.ListZonesArguments | undefined
    >()
    expectTypeOf<Parameters<dns.DnsClient['createZone']>[0]>().toEqualTypeOf<dns.CreateZoneArguments>()
  })
})

describe('schemas', () => {
  it('know values and let others through', () => {
    given<dns.CreateZonePayload>({ name: 'z', dnsName: 'd', type: 'primary' })
    given<dns.CreateZonePayload>({ name: 'z', dnsName: 'd', type: 'tertiary' })
    // @ts-expect-error still a text
    given<dns.CreateZonePayload>({ name: 'z', dnsName: 'd', type: 3 })
    expectTypeOf<'DEALLOCATED' extends iaas.ServerStatus ? true : false>().toEqualTypeOf<true>()
  })

  it('extend others, with what they say anew', () => {
    given<iaas.CreateServerPayload>({ name: 's', machineType: 'g2i.1', networking: { networkId: 'n' } })
    given<iaas.CreateServerPayload>({ name: 's', machineType: 'g2i.1', networking: { nicIds: ['n'] } })
    // @ts-expect-error a server must have a network
    given<iaas.CreateServerPayload>({ name: 's', machineType: 'g2i.1' })
    // @ts-expect-error no such form of it
    given<iaas.CreateServerPayload>({ name: 's', machineType: 'g2i.1', networking: { network: 'n' } })
  })

  it('are told apart by their field', () => {
    const next = (hop: iaas.Route['nexthop']): string =>
      hop.type === 'ipv4' || hop.type === 'ipv6' ? hop.value : hop.type
    expectTypeOf(next).returns.toBeString()
    given<iaas.Route['nexthop']>({ type: 'internet' })
    // @ts-expect-error an address needs its value
    given<iaas.Route['nexthop']>({ type: 'ipv4' })
    given<cdn.CreateDistributionPayload['backend']>({ type: 'http', originUrl: 'https://example.org' })
    // @ts-expect-error no such backend
    given<cdn.CreateDistributionPayload['backend']>({ type: 'ftp', originUrl: 'https://example.org' })
  })

  it('may be null where the document says so, and nowhere else', () => {
    given<cdn.ConfigPatch>({ logSink: null })
    // @ts-expect-error the sink of a new distribution is there or not
    given<cdn.CreateDistributionPayload['logSink']>(null)
  })

  it('are read only', () => {
    const rename = (zone: dns.Zone): void => {
      // @ts-expect-error results are immutable
      zone.name = 'other'
    }
    expectTypeOf(rename).returns.toBeVoid()
  })

  it('have free forms and names of their own', () => {
    given<iaas.Labels>({ a: 'b', gone: null })
    expectTypeOf<loadBalancer.LoadBalancer['name']>().toEqualTypeOf<string | undefined>()
    expectTypeOf<dns.DnsRecord>().toHaveProperty('content')
    expectTypeOf<valkey.ValkeyError>().toHaveProperty('description')
  })
})

describe('answers', () => {
  type Emitted<Method extends (...args: never) => Observable<unknown>> =
    ReturnType<Method> extends Observable<infer Value> ? Value : never

  it('are those of the document', () => {
    expectTypeOf<Emitted<dns.DnsClient['createZone']>>().toEqualTypeOf<dns.ZoneResponse>()
    expectTypeOf<Emitted<iaas.IaasClient['startServer']>>().toBeVoid()
    expectTypeOf<Emitted<valkey.ValkeyClient['downloadBackup']>>().toEqualTypeOf<Uint8Array>()
    expectTypeOf<Emitted<git.GitClient['patchInstance']>>().toEqualTypeOf<git.Instance | undefined>()
    expectTypeOf<Emitted<cost.CostClient['getCostsForProject']>>().toEqualTypeOf<cost.ProjectCost | string>()
  })

  it('come item by item from lists with pages', () => {
    expectTypeOf<Emitted<dns.DnsClient['listZonesAll']>>().toEqualTypeOf<dns.Zone>()
    expectTypeOf<iaas.IaasClient>().not.toHaveProperty('listServersAll')
  })

  it('of waiters are events', () => {
    expectTypeOf<Emitted<iaas.IaasClient['watch']['createServer']>>().toEqualTypeOf<
      OperationEvent<iaas.Server>
    >()
    expectTypeOf<
      Parameters<iaas.IaasClient['run']['createServer']>[0]
    >().toEqualTypeOf<iaas.CreateServerArguments>()
  })
})

describe('definitions', () => {
  it('carry their client, each version its own', () => {
    expectTypeOf<ClientOf<typeof iaas.iaas>>().toEqualTypeOf<iaas.IaasClient>()
    expectTypeOf<ClientOf<typeof vpc.iaas>>().toHaveProperty('listVPCs')
    expectTypeOf<ClientOf<typeof iaas.iaas>>().not.toHaveProperty('listVPCs')
    expectTypeOf<typeof all.iaas>().toEqualTypeOf<typeof iaas.iaas>()
  })
})
