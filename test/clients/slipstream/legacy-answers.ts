import type { Observable } from 'rxjs'
import { errorsOf } from '../../../src/clients/slipstream/errors.js'
import type { CloudError } from '../../../src/errors.js'
import type { Api } from '../../../src/http/api.js'
import { createApi, createCore } from '../../../src/http/client.js'
import { fakeTransport, type FakeAnswer, type FakeResponse } from '../../../src/testing/fake-transport.js'
import { marbles } from '../../../src/testing/marbles.js'

export type Routes = Readonly<Record<string, FakeAnswer | readonly FakeAnswer[]>>

export function document(body: string | Uint8Array, status = 200): FakeResponse {
  return { status, headers: { 'content-type': 'application/xml' }, body }
}

/** An error as the server writes it for `Accept: application/xml` (dossier 6). */
export function failure(status: number, reason: string, detail: string): FakeResponse {
  return document(
    `<error code="${String(status)}" reason="${reason}" detail="${detail}" specificationUri="http://www.w3.org/Protocols/rfc2616/rfc2616-sec10.html">\n${detail}\n</error>`,
    status,
  )
}

export interface Sent {
  readonly line: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

export interface Told<T> {
  readonly values: T[]
  /** Whatever came on the error channel. */
  readonly error: CloudError | undefined
  readonly completed: boolean
  /** Method and path of each request. */
  readonly lines: readonly string[]
  readonly sent: readonly Sent[]
}

/** What a stream tells in virtual time, and the requests that it made. Retries are as users have them. */
export function ask<T>(routes: Routes, use: (api: Api) => Observable<T>): Told<T> {
  const values: T[] = []
  const errors: CloudError[] = []
  let completed = false
  let sent: readonly Sent[] = []
  marbles(({ runtime, flush }) => {
    const transport = fakeTransport(routes)
    const core = createCore({ transport, runtime })
    const errorDialect = errorsOf({ cloud: 'slipstream' })
    const api = createApi(core, { cloud: 'slipstream', errors: errorDialect, endpoint: 'https://cloud.test' })
    use(api).subscribe({
      next: (value: T) => values.push(value),
      error: (error: CloudError) => errors.push(error),
      complete: () => {
        completed = true
      },
    })
    flush()
    sent = transport.requests.map(({ method, path, headers, body }) => ({
      line: `${method} ${path}`,
      headers,
      body: typeof body === 'string' ? body : '',
    }))
  })()
  return { values, error: errors[0], completed, lines: sent.map(({ line }) => line), sent }
}

/** An api for calls that must throw before anything is sent. */
export function apiWithoutAnswers(): Api {
  const core = createCore({ transport: fakeTransport({}) })
  return createApi(core, {
    cloud: 'slipstream',
    errors: errorsOf({ cloud: 'slipstream' }),
    endpoint: 'https://cloud.test',
  })
}

// --- documents, as the dossier shows them (4.1) ---------------------------------------------------------------------

export const appStore = `<list>
  <item resourceUri="module/apps/WordPress/wordpress/1942" name="wordpress" version="1942" category="Image"
        description="WordPress server" published="true" logoLink="https://x/wp.svg"><authz owner="sixsq" ownerGet="true"/></item>
  <item category="Deployment" name="app" version="107" published="true" resourceUri="module/apps/cluster/app/107"/>
</list>`

export const project = `<?xml version="1.0" encoding="UTF-8"?>
<projectModule category="Project" creation="2013-10-30 09:54:53.570 UTC" deleted="false" description="Examples"
    isLatestVersion="true" lastModified="2015-07-02 13:42:10.363 UTC" logoLink="" parentUri="module/" shortName="examples" version="1792">
  <authz owner="sixsq" ownerGet="true" ownerPut="true" groupGet="true" groupPut="false" publicGet="true" inheritedGroupMembers="true"><groupMembers/></authz>
  <commit author="sixsq"><comment>Initial version</comment></commit>
  <cloudNames length="2"><string>exoscale-ch-gva</string><string>default</string></cloudNames>
  <runs count="0" limit="20" offset="0" totalCount="0"/>
  <children>
    <item category="Project" description="Base images" name="images" version="1801"><authz owner="sixsq"/></item>
    <item category="Project" name="secret" version="1802"/>
    <item category="Deployment" name="cluster" version="12"/>
  </children>
  <parameters/>
</projectModule>`

export const component = `<imageModule category="Image" creation="2013-12-09 11:14:44.749 UTC" deleted="false" description="CentOS 6" isBase="true" isLatestVersion="true"
    lastModified="2015-07-02 15:51:57.307 UTC" loginUser="root" platform="centos" logoLink="https://x/c.svg" moduleReferenceUri=""
    parentUri="module/examples/images" shortName="centos-6" version="1806">
  <authz owner="sixsq" ownerGet="true"/><commit author="sixsq"/><published publicationDate="2015-07-02 15:51:57.307 UTC"/>
  <cloudNames length="1"><string>default</string></cloudNames><runs count="0" limit="20" offset="0" totalCount="0"/>
  <targets><target name="execute"><![CDATA[#!/bin/sh
[ 1 -lt 2 ] && echo "<!DOCTYPE html>" > index.html]]></target><target name="report"/></targets>
  <packages/><prerecipe/><recipe/>
  <cloudImageIdentifiers><cloudImageIdentifier cloudServiceName="exoscale-ch-gva" cloudImageIdentifier="8c7e60ae-3a30-4031-a3e6-29832d85d7cb"/><cloudImageIdentifier cloudServiceName="ec2" cloudImageIdentifier="ami-1"/></cloudImageIdentifiers>
  <parameters><entry><string>network</string>
    <parameter name="network" category="Cloud" description="Network type" isSet="true" mandatory="true" readonly="false" type="Enum" order="0" order_="0">
      <enumValues length="2"><string>Public</string><string>Private</string></enumValues>
      <instructions><![CDATA[help]]></instructions><value>Public</value><defaultValue>Public</defaultValue>
    </parameter></entry>
    <entry><string><![CDATA[wordpress_title]]></string><parameter name="wordpress_title" category="Input" isSet="false" mandatory="false" readonly="true" type="String"><value/><defaultValue><![CDATA[]]></defaultValue></parameter></entry></parameters>
  <notes length="0"/>
</imageModule>`

export const application = `<deploymentModule category="Deployment" parentUri="module/examples" shortName="cluster" version="12" deleted="false">
  <nodes><entry><string>apache</string>
    <node name="apache" multiplicity="2" maxProvisioningFailures="0" cloudService="default" imageUri="module/examples/tutorials/apache/7" network="Public" creation="2015-07-02 15:51:57.307 UTC" deleted="false">
      <parameterMappings/><parameters/><notes length="0"/><image shortName="apache"/></node></entry>
    <entry><string>client</string><node name="client" multiplicity="1" imageUri="module/examples/tutorials/client"/></entry></nodes>
</deploymentModule>`
