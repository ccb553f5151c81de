// What we read of an OpenAPI 3.0 document.

export interface Reference {
  readonly $ref: string
}

export interface OpenApiSchema {
  readonly $ref?: string
  readonly type?: string
  readonly format?: string
  readonly enum?: readonly unknown[]
  readonly 'x-extensible-enum'?: readonly unknown[]
  readonly 'x-stackit-logging'?: boolean
  readonly 'x-go-type'?: string
  readonly nullable?: boolean
  readonly readOnly?: boolean
  readonly writeOnly?: boolean
  readonly deprecated?: boolean
  readonly minLength?: number
  readonly maxLength?: number
  readonly pattern?: string
  readonly minimum?: number
  readonly maximum?: number
  readonly exclusiveMinimum?: boolean
  readonly exclusiveMaximum?: boolean
  readonly multipleOf?: number
  readonly minItems?: number
  readonly maxItems?: number
  readonly uniqueItems?: boolean
  readonly minProperties?: number
  readonly maxProperties?: number
  readonly properties?: Readonly<Record<string, OpenApiSchema>>
  readonly required?: readonly string[]
  readonly additionalProperties?: boolean | OpenApiSchema
  readonly items?: OpenApiSchema
  readonly allOf?: readonly OpenApiSchema[]
  readonly oneOf?: readonly OpenApiSchema[]
  readonly anyOf?: readonly OpenApiSchema[]
  readonly discriminator?: {
    readonly propertyName: string
    readonly mapping?: Readonly<Record<string, string>>
  }
}

export interface OpenApiParameter {
  readonly name: string
  readonly in: 'path' | 'query' | 'header' | 'cookie'
  readonly required?: boolean
  readonly deprecated?: boolean
  readonly style?: string
  readonly explode?: boolean
  readonly schema?: OpenApiSchema
}

export type OpenApiContent = Readonly<Record<string, { readonly schema?: OpenApiSchema }>>

export interface OpenApiResponse {
  readonly content?: OpenApiContent
}

export interface OpenApiOperation {
  readonly operationId: string
  readonly parameters?: readonly (OpenApiParameter | Reference)[]
  readonly requestBody?: { readonly required?: boolean; readonly content: OpenApiContent }
  readonly responses: Readonly<Record<string, OpenApiResponse | Reference>>
  readonly deprecated?: boolean
  readonly security?: readonly unknown[]
  readonly 'x-stackit-authorization'?: { readonly actions?: readonly string[] }
}

export interface OpenApiPath {
  readonly parameters?: readonly (OpenApiParameter | Reference)[]
  readonly get?: OpenApiOperation
  readonly put?: OpenApiOperation
  readonly post?: OpenApiOperation
  readonly delete?: OpenApiOperation
  readonly options?: OpenApiOperation
  readonly head?: OpenApiOperation
  readonly patch?: OpenApiOperation
}

export interface OpenApiDocument {
  readonly openapi: string
  readonly servers?: readonly {
    readonly url: string
    readonly variables?: Readonly<
      Record<string, { readonly default: string; readonly enum?: readonly string[] }>
    >
  }[]
  readonly paths: Readonly<Record<string, OpenApiPath>>
  readonly components?: {
    readonly schemas?: Readonly<Record<string, OpenApiSchema>>
    readonly parameters?: Readonly<Record<string, OpenApiParameter>>
    readonly responses?: Readonly<Record<string, OpenApiResponse>>
  }
}

/** The name that a reference ends with: `#/components/schemas/Zone` -> `Zone`. */
export function referenced(reference: string): string {
  return decodeURIComponent(reference.slice(reference.lastIndexOf('/') + 1))
    .replaceAll('~1', '/')
    .replaceAll('~0', '~')
}
