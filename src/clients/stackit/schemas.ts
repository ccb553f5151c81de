import { z } from 'zod'
import type { ServiceDefinition } from './service-definition.js'
import { viewOf, type SchemaDocument, type SchemaView } from './schema-views.js'

/** The checks of a service's values, each made when it is first needed. */
export type Schemas = (name: string, view: SchemaView) => z.ZodType

/** By definition, so that all clients of a service share them. */
const known = new WeakMap<ServiceDefinition, Schemas>()

export function schemasOf(definition: ServiceDefinition): Schemas {
  let schemas = known.get(definition)
  if (schemas === undefined) {
    schemas = readSchemas(definition)
    known.set(definition, schemas)
  }
  return schemas
}

function readSchemas({ service, version, schemas: text }: ServiceDefinition): Schemas {
  let documents: Readonly<Record<string, unknown>> | undefined
  const views = new Map<SchemaView, Readonly<Record<string, SchemaDocument>>>()
  const checks = new Map<string, z.ZodType>()
  const definitionsFor = (view: SchemaView): Readonly<Record<string, SchemaDocument>> => {
    documents ??= JSON.parse(text) as Readonly<Record<string, unknown>>
    let definitions = views.get(view)
    if (definitions === undefined) {
      definitions = Object.fromEntries(
        Object.entries(documents).map(([name, schema]) => [name, viewOf(schema, view)]),
      )
      views.set(view, definitions)
    }
    return definitions
  }
  return (name, view) => {
    const key = `${view} ${name}`
    let check = checks.get(key)
    if (check === undefined) {
      const definitions = definitionsFor(view)
      const schema = definitions[name]
      if (schema === undefined) throw new Error(`${service} ${version} has no schema ${name}`)
      check = z.fromJSONSchema(
        { ...schema, definitions },
        // A registry of its own: zod's would keep every schema.
        { defaultTarget: 'openapi-3.0', registry: z.registry() },
      )
      checks.set(key, check)
    }
    return check
  }
}
