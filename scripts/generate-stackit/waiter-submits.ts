import type { SubmitRow } from '../../src/clients/stackit/service-definition.js'

/** An operation that begins what a waiter of another name waits for, or whose answer needs explaining. */
export interface Submit extends SubmitRow {
  readonly waiter: string
}

const request: Submit = { waiter: 'projectRequest', from: { requestId: 'header.x-request-id' } }

/**
 * By service and version, then by operation: what names and schemas do not tell. All other operations begin what the waiter of
 * their name waits for, and a missing argument is found in their answer.
 */
export const submits: Readonly<Record<string, Readonly<Record<string, Submit>>>> = {
  'alb/v2': {
    createLoadBalancer: { waiter: 'createOrUpdateLoadbalancer' },
    updateLoadBalancer: { waiter: 'createOrUpdateLoadbalancer' },
    deleteLoadBalancer: { waiter: 'deleteLoadbalancer' },
  },
  'cdn/v1': {
    createDistribution: { waiter: 'createDistributionPool' },
    patchDistribution: { waiter: 'updateDistribution' },
    putCustomDomain: { waiter: 'createCDNCustomDomain' },
    deleteCustomDomain: { waiter: 'deleteCDNCustomDomain' },
  },
  'dremio/v1beta': {
    createDremioInstance: { waiter: 'createDremio' },
    updateDremioInstance: { waiter: 'updateDremio' },
    deleteDremioInstance: { waiter: 'deleteDremio' },
  },
  'edge/v1beta1': {
    createInstance: { waiter: 'createOrUpdateInstance' },
    updateInstance: { waiter: 'createOrUpdateInstance' },
    updateInstanceByName: { waiter: 'createOrUpdateInstanceByName' },
  },
  'git/v1beta': {
    createInstance: { waiter: 'createGitInstance' },
    deleteInstance: { waiter: 'deleteGitInstance' },
  },
  'iaas/v2': {
    createIsolatedNetwork: { waiter: 'createNetwork' },
    partialUpdateNetwork: { waiter: 'updateNetwork' },
    imageFromVolume: { waiter: 'uploadImage' },
    // Whether all of these tell the id of their request could not be tried: unverified.
    addNetworkToServer: request,
    removeNetworkFromServer: request,
    addNicToServer: request,
    removeNicFromServer: request,
    addPublicIpToServer: request,
    removePublicIpFromServer: request,
    addSecurityGroupToServer: request,
    removeSecurityGroupFromServer: request,
    addServiceAccountToServer: request,
    removeServiceAccountFromServer: request,
    rebootServer: request,
    resizeVolume: request,
  },
  'kms/v1': {
    createKey: { waiter: 'createOrUpdateKey' },
    enableVersion: { waiter: 'enableKeyVersion' },
    disableVersion: { waiter: 'disableKeyVersion' },
  },
  'model-experiments/v1': {
    createInstanceToken: { waiter: 'createInstanceToken', keeps: ['token.content'] },
  },
  'model-serving/v1': {
    createToken: { waiter: 'createModelServing', keeps: ['token.content'] },
    partialUpdateToken: { waiter: 'updateModelServing' },
    deleteToken: { waiter: 'deleteModelServing' },
  },
  'mongodb-flex/v2': {
    cloneInstance: { waiter: 'cloneInstance', from: { instanceId: 'result.instanceId' } },
    restoreInstance: { waiter: 'restoreInstance', from: { backupId: 'args.body.backupId' } },
  },
  'observability/v1': {
    createScrapeConfig: { waiter: 'createScrapeConfig', from: { jobName: 'args.body.jobName' } },
  },
  'postgres-flex/v3': {
    cloneInstance: { waiter: 'cloneInstance', from: { instanceId: 'result.id' } },
    createUser: { waiter: 'createUser', keeps: ['password'] },
  },
  'resource-manager/v0': {
    createProject: { waiter: 'createProject', from: { id: 'result.projectId' } },
  },
  'service-enablement/v2': {
    enableServiceRegional: { waiter: 'enableService' },
    disableServiceRegional: { waiter: 'disableService' },
  },
  'ske/v2': {
    createOrUpdateCluster: { waiter: 'createCluster' },
    triggerHibernate: { waiter: 'triggerClusterHibernation' },
    triggerMaintenance: { waiter: 'triggerClusterMaintenance' },
    triggerReconcile: { waiter: 'triggerClusterReconciliation' },
    triggerWakeup: { waiter: 'triggerClusterWakeup' },
  },
  'sqlserverflex/v3': {
    createUser: { waiter: 'createUser', keeps: ['password', 'uri'] },
  },
  'telemetry-link/v1': {
    createOrUpdateOrganizationTelemetryLink: { waiter: 'createOrganizationTelemetryLink' },
    createOrUpdateFolderTelemetryLink: { waiter: 'createFolderTelemetryLink' },
    createOrUpdateProjectTelemetryLink: { waiter: 'createProjectTelemetryLink' },
  },
  'telemetry-router/v1': {
    createAccessToken: { waiter: 'createAccessToken', keeps: ['accessToken'] },
  },
}

/** Waiters that nothing submits, and why. */
export const unsubmitted: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  'dremio/v1beta': { updateDremioUser: 'the service has no operation that updates a user' },
  'edge/v1beta1': {
    kubeconfig: 'nothing begins it: the credential comes with the instance',
    kubeconfigByInstanceName: 'nothing begins it: the credential comes with the instance',
    token: 'nothing begins it: the credential comes with the instance',
    tokenByInstanceName: 'nothing begins it: the credential comes with the instance',
  },
  'iaas/v2': {
    readyForNetworkAreaDeletion: 'nothing begins it: it is waited for before the area is deleted',
  },
  'intake/v1beta': {
    createOrUpdateIntakeRunner: 'the older form of createIntakeRunner and updateIntakeRunner',
    createOrUpdateIntake: 'the older form of createIntake and updateIntake',
    createOrUpdateIntakeUser: 'the older form of createIntakeUser and updateIntakeUser',
  },
  'ske/v2': {
    createOrUpdateCluster: 'the older form of createCluster, which waits by the same rules',
    updateCluster: 'createOrUpdateCluster is watched by createCluster, which waits by the same rules',
    rotateCredentials: 'the service has no such operation any more: rotations are started and completed',
  },
  'telemetry-link/v1': {
    updateOrganizationTelemetryLink:
      'the operation is the same as for createOrganizationTelemetryLink, and so are the rules',
    updateFolderTelemetryLink:
      'the operation is the same as for createFolderTelemetryLink, and so are the rules',
    updateProjectTelemetryLink:
      'the operation is the same as for createProjectTelemetryLink, and so are the rules',
  },
}
