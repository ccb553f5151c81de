import type { WaiterRow } from '../../src/clients/stackit/service-definition.js'

/** What is to be known of waiters beyond their row in `waiters.json`: each one with a note there is named here. */
export interface Adjustment {
  /** Service and version. */
  readonly services: readonly string[]
  /** Names in the table of the client. */
  readonly waiters: readonly string[]
  /** What the note is about, and how it is met. */
  readonly why: string
  /** Over what the row says. */
  readonly row?: Partial<WaiterRow>
}

const brokers = ['logme', 'mariadb', 'opensearch', 'rabbitmq', 'redis', 'valkey'].flatMap((service) => [
  `${service}/v1`,
  `${service}/v2`,
])

/** Stackit dossier 7.2. */
export const adjustments: readonly Adjustment[] = [
  // --- the statuses of the row say it all
  { services: brokers, waiters: ['deleteInstance'], why: 'only 410 is the end: a 404 is an error' },
  {
    services: brokers,
    waiters: ['deleteCredentials'],
    why: '404 and 410 are the end, while it is there it goes on',
  },
  { services: ['object-storage/v2'], waiters: ['deleteBucket'], why: '404 is the end' },
  {
    services: ['postgres-flex/v2', 'postgres-flex/v3', 'sqlserverflex/v3'],
    waiters: ['deleteUser'],
    why: '404 is the end',
  },
  { services: ['iaas/v2'], waiters: ['removeVolumeFromServer'], why: '404 is the end' },
  { services: ['iaas/v2'], waiters: ['deleteNetworkAreaRegion'], why: '400 is the end as well' },
  { services: ['iaas/v2alpha1'], waiters: ['deleteVPCRegion'], why: '400 is the end as well' },
  { services: ['kms/v1'], waiters: ['deleteKey'], why: 'no state is a failure' },
  {
    services: ['dns/v1'],
    waiters: ['deleteZone', 'deleteRecordSet'],
    why: 'it stays readable: a 404 is an error',
  },
  {
    services: ['object-storage/v2'],
    waiters: ['createBucket'],
    why: 'the first answer is the end, an early 404 a failure',
  },
  {
    services: ['postgres-flex/v2'],
    waiters: ['forceDeleteInstance'],
    why: 'arguments go by name: none is swapped',
  },

  // --- the states of the row say it all
  {
    services: ['telemetry-router/v1'],
    waiters: ['createAccessToken', 'updateAccessToken'],
    why: 'expired is an end, too',
  },
  {
    services: ['kms/v1'],
    waiters: ['createKeyRing', 'createOrUpdateKey', 'createWrappingKey'],
    why: 'several states are an end; the result shows which',
  },
  {
    services: ['observability/v1'],
    waiters: ['updateInstance'],
    why: 'the state after a creation is an end, too',
  },
  {
    services: ['ske/v2'],
    waiters: [
      'triggerClusterHibernation',
      'triggerClusterMaintenance',
      'triggerClusterReconciliation',
      'triggerClusterWakeup',
    ],
    why: 'the end is any other state than the one to leave',
  },

  // --- data that the row has as prose
  {
    services: brokers,
    waiters: ['createCredentials'],
    why: 'it must be the one asked for',
    row: { match: ['id', 'credentialsId'] },
  },
  {
    services: ['iaas/v2'],
    waiters: ['addVolumeToServer'],
    why: 'it must be the one asked for',
    row: { match: ['volumeId', 'volumeId'] },
  },
  {
    services: ['observability/v1'],
    waiters: ['createInstance', 'deleteInstance'],
    why: 'an answer about another instance is a failure',
    row: { match: ['id', 'instanceId'] },
  },
  {
    services: ['observability/v1'],
    waiters: ['createScrapeConfig', 'deleteScrapeConfig'],
    why: 'looked for in the list by name',
    row: { list: 'data', match: ['jobName', 'jobName'] },
  },
  {
    services: ['ske/v2'],
    waiters: ['deleteCluster'],
    why: 'looked for in the list by name',
    row: { list: 'items', match: ['name', 'clusterName'] },
  },
  {
    services: ['edge/v1beta1'],
    waiters: ['kubeconfig', 'kubeconfigByInstanceName', 'token', 'tokenByInstanceName'],
    why: 'the instance must be usable, then the credential is asked for',
    row: { state: 'status', success: ['active', 'reconciling'] },
  },
  {
    services: ['iaas/v2'],
    waiters: ['resizeServer'],
    why: 'the state on the way must be seen',
    row: { via: 'RESIZING' },
  },
  {
    services: ['iaas/v2'],
    waiters: ['projectRequest'],
    why: 'the end depends on the action: kind request',
    row: { state: 'status', failure: ['FAILED'], match: ['requestId', 'requestId'], message: 'details' },
  },
  {
    services: ['iaas/v2'],
    waiters: ['readyForNetworkAreaDeletion'],
    why: 'each project is asked for: kind networkAreaEmpty',
    row: { poll: 'listNetworkAreaProjects', list: 'items' },
  },
  {
    services: ['iaas/v2alpha1'],
    waiters: ['createVPCNetworkRange', 'updateVPCNetworkRange', 'deleteVPCNetworkRange'],
    why: 'ranges of both kinds have the state at the same place',
    row: { state: 'status' },
  },
  {
    services: ['iaas/v2'],
    waiters: ['uploadImage'],
    why: 'the one that tells how far it is',
    row: { percent: 'importProgress' },
  },
  {
    services: ['postgres-flex/v2'],
    waiters: ['deleteInstance'],
    why: 'only one state is on the way; a 404 is an error',
    row: { pending: ['Ready'] },
  },
  {
    services: ['scf/v1'],
    waiters: ['deleteOrganization'],
    why: 'the reference and the service spell the failure differently',
    row: { failure: ['deleting_failed', 'delete_failed*'] },
  },

  // --- rules with a name
  {
    services: ['postgres-flex/v2'],
    waiters: ['createInstance'],
    why: 'only some states are on the way, and then its users must answer',
    row: { pending: ['', 'Progressing'], rule: 'usersAnswer' },
  },
  {
    services: ['load-balancer/v2'],
    waiters: ['createLoadBalancer'],
    why: 'errors are a failure',
    row: { rule: 'errorsFail' },
  },
  {
    services: ['mongodb-flex/v2'],
    waiters: ['restoreInstance'],
    why: 'the state is that of the newest job for the backup',
    row: { state: 'status', list: 'items', match: ['backupID', 'backupId'], rule: 'newestRestoreJob' },
  },
  {
    services: ['ske/v2'],
    waiters: ['createCluster', 'updateCluster', 'createOrUpdateCluster'],
    why: 'unhealthy is a step on the way, but for one reason it is the end',
    row: { rule: 'observabilityMissing' },
  },
]

/** What is to be known of a waiter. */
export function adjustmentsOf(service: string, waiter: string): readonly Adjustment[] {
  return adjustments.filter(({ services, waiters }) => services.includes(service) && waiters.includes(waiter))
}
