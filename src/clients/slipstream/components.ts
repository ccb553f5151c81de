import { concatMap, type Observable } from 'rxjs'
import { call, type Api } from '../../http/api.js'
import type { CallOptions } from '../../http/types.js'
import { isXmlText, xmlElement, type XmlPart, type XmlTree } from '../../http/xml-text.js'
import { getComponentDocument, updateComponent } from './module-operations.js'
import { modulePath, moduleReference, type ModuleVersion } from './module-paths.js'

/** What changes in a component; what is not named stays. */
export interface ComponentChanges {
  readonly description?: string
  readonly logoLink?: string
  /** Path of the component that this one is built from, or an empty text for none. */
  readonly moduleReferenceUri?: string
  /** The image on each cloud; `null` or an empty text takes the image of that cloud away. */
  readonly cloudImageIdentifiers?: Readonly<Record<string, string | null>>
  /** Keeps the images when a reference is set, and the reference when images are. Default false: one takes the place of the other. */
  readonly keepReferenceAndIdentifiers?: boolean
}

/** Components: images with what is installed on them (slipstream dossier 4.1). */
export interface Components<Build> {
  /**
   * Changes a component and emits the version that this made. Reads its document and writes it back; the options hold for
   * each of the two requests. The new version is not published, and the second request is never retried.
   *
   * @param path - with a version, that one is changed, and becomes the latest
   */
  update(path: string, changes: ComponentChanges, options?: CallOptions): Observable<ModuleVersion>
  /** Builds the image of a component and watches it. */
  readonly build: Build
}

export function createComponents<Build>(api: Api, build: Build): Components<Build> {
  return {
    update: (path, changes, options) => {
      const checked = checkChanges(changes)
      modulePath(path)
      return call(api, getComponentDocument, { path }, options).pipe(
        concatMap((document) =>
          call(api, updateComponent, { path, document: withChanges(document, checked) }, options),
        ),
      )
    },
    build,
  }
}

const IMAGES = 'cloudImageIdentifiers'
const IMAGE = 'cloudImageIdentifier'
const CLOUD = 'cloudServiceName'

/** The document of a component with the changes in it (dossier 4.1, `update_component`). */
export function withChanges(document: XmlTree, changes: ComponentChanges): XmlTree {
  const { description, logoLink, moduleReferenceUri, cloudImageIdentifiers } = changes
  const replace = changes.keepReferenceAndIdentifiers !== true
  const attributes: Record<string, string> = { ...document.attributes }
  let { children } = document

  if (description !== undefined) attributes['description'] = description
  if (logoLink !== undefined) attributes['logoLink'] = logoLink
  if (moduleReferenceUri !== undefined) {
    attributes['moduleReferenceUri'] = moduleReferenceUri
    if (replace) {
      attributes['isBase'] = 'false'
      children = withImages(children, () => [])
    }
  }
  if (cloudImageIdentifiers !== undefined) {
    children = withImages(children, (images) => withIdentifiers(images, cloudImageIdentifiers))
    if (replace) {
      attributes['moduleReferenceUri'] = ''
      attributes['isBase'] = 'true'
    }
  }
  return { name: document.name, attributes, children }
}

function withImages(
  children: readonly XmlPart[],
  change: (images: readonly XmlPart[]) => readonly XmlPart[],
): readonly XmlPart[] {
  const isImages = (part: XmlPart): part is XmlTree => 'children' in part && part.name === IMAGES
  if (!children.some(isImages)) return [...children, xmlElement(IMAGES, {}, change([]))]
  return children.map((part) =>
    isImages(part) ? { name: IMAGES, attributes: part.attributes, children: change(part.children) } : part,
  )
}

function withIdentifiers(
  images: readonly XmlPart[],
  identifiers: Readonly<Record<string, string | null>>,
): readonly XmlPart[] {
  const cloudOf = (part: XmlPart): string | undefined =>
    'children' in part && part.name === IMAGE ? part.attributes[CLOUD] : undefined
  const changed = new Map(Object.entries(identifiers))
  const kept = images.flatMap((part) => {
    const cloud = cloudOf(part)
    if (cloud === undefined || !('children' in part) || !changed.has(cloud)) return [part]
    const identifier = changed.get(cloud) ?? ''
    changed.delete(cloud)
    return identifier === ''
      ? []
      : [xmlElement(IMAGE, { ...part.attributes, [IMAGE]: identifier }, part.children)]
  })
  const added = [...changed]
    .filter(([, identifier]) => identifier !== null && identifier !== '')
    .map(([cloud, identifier]) => xmlElement(IMAGE, { [CLOUD]: cloud, [IMAGE]: identifier ?? '' }))
  return [...kept, ...added]
}

function checkChanges(changes: ComponentChanges): ComponentChanges {
  const { description, logoLink, moduleReferenceUri, cloudImageIdentifiers, keepReferenceAndIdentifiers } =
    changes
  const texts = { description, logoLink, moduleReferenceUri }
  for (const [name, text] of Object.entries(texts)) {
    if (text !== undefined) checkText(text, `changes.${name}`)
  }
  for (const [cloud, identifier] of Object.entries(cloudImageIdentifiers ?? {})) {
    checkText(cloud, 'changes.cloudImageIdentifiers')
    if (identifier !== null) checkText(identifier, `changes.cloudImageIdentifiers.${cloud}`)
  }
  if ([...Object.values(texts), cloudImageIdentifiers].every((change) => change === undefined)) {
    throw new TypeError('changes: expected at least one, since each update makes a new version')
  }
  if (
    moduleReferenceUri !== undefined &&
    cloudImageIdentifiers !== undefined &&
    keepReferenceAndIdentifiers !== true
  ) {
    throw new TypeError(
      'changes: a reference and images exclude each other, unless keepReferenceAndIdentifiers says otherwise',
    )
  }
  return moduleReferenceUri === undefined || moduleReferenceUri === ''
    ? changes
    : { ...changes, moduleReferenceUri: moduleReference(moduleReferenceUri, 'changes.moduleReferenceUri') }
}

function checkText(text: unknown, argument: string): void {
  if (typeof text !== 'string' || !isXmlText(text)) {
    throw new TypeError(`${argument}: expected a text without control characters`)
  }
}
