import * as z from 'zod'
import type { ComponentRegistry } from '../../component/factory.ts'
import { SECTIONS, type Section } from '../check/check-components.ts'
import { pipelineSchema, serviceSchema } from '../schema/service-schema.ts'

type JsonSchema = Readonly<Record<string, unknown>>

/** Any value that is not a string may also be a reference: `queue_size: ${env:QUEUE_SIZE}`. */
const REFERENCE = { type: 'string', pattern: '\\$\\{.+\\}' }

/** Returns the JSON Schema (draft-07) of the whole config, for editors and Helm charts. */
export function configJsonSchema(registry: ComponentRegistry): JsonSchema {
  const sections = SECTIONS.map((section): [Section, JsonSchema] => [section, sectionSchema(section, registry)])
  const service = toJsonSchema(serviceSchema)
  return {
    $schema: 'http://json-schema.org/draft-07/schema#',
    title: 'otlp-cloudwatch',
    type: 'object',
    properties: {
      ...Object.fromEntries(sections),
      service: { ...service, properties: { ...(service['properties'] as JsonSchema), pipelines: pipelinesSchema() } },
    },
    required: ['receivers', 'exporters', 'service'],
    additionalProperties: false,
  }
}

/** Matches both `otlp` and `otlp/edge`. */
function sectionSchema(section: Section, registry: ComponentRegistry): JsonSchema {
  const components = registry[section].map(({ type, description, config }): [string, JsonSchema] => [
    `^${type}(/[^\\s/]+)?$`,
    { description, ...toJsonSchema(config) },
  ])
  return { type: 'object', patternProperties: Object.fromEntries(components), additionalProperties: false }
}

function pipelinesSchema(): JsonSchema {
  return {
    description: 'Pipelines by name: `logs`, `logs/edge`.',
    type: 'object',
    patternProperties: { '^logs(/[^\\s/]+)?$': toJsonSchema(pipelineSchema) },
    additionalProperties: false,
  }
}

function toJsonSchema(schema: z.core.$ZodType): JsonSchema {
  const { $schema: _, ...rest } = z.toJSONSchema(schema, { io: 'input', target: 'draft-07', unrepresentable: 'any' })
  return loosen(rest)
}

/** Allows what the loader accepts in addition to the schema, and turns the marks of `fields.ts` into descriptions. */
function loosen(schema: JsonSchema): JsonSchema {
  const loose = loosenInner(schema)
  const { type, anyOf } = loose
  if (type === 'object') return { ...loose, type: ['object', 'null'] } // `grpc:` is the empty map
  // Bounds apply to numbers only and patterns to strings only.
  if (type === 'number' || type === 'integer' || type === 'boolean')
    return { ...loose, type: [type, 'string'], pattern: REFERENCE.pattern }
  if (Array.isArray(anyOf)) return anyOf.some(isAnyString) ? loose : { ...loose, anyOf: [...anyOf, REFERENCE] }
  if (type !== 'string' || isAnyString(loose)) return loose
  const { description, default: fallback, ...rest } = loose
  return { ...defined({ description, default: fallback }), anyOf: [rest, REFERENCE] }
}

function loosenInner(schema: JsonSchema): JsonSchema {
  const {
    status,
    reason,
    secret: _,
    reference: _kind,
    aliasOf: _alias,
    minimum,
    maximum,
    description,
    ...rest
  } = schema
  const effect = status === 'accepted' ? ` Accepted without effect: ${String(reason)}.` : ''
  return defined({
    description: typeof description === 'string' ? description + effect : undefined,
    ...rest,
    // zod's bounds of any whole number carry no information.
    minimum: minimum === Number.MIN_SAFE_INTEGER ? undefined : minimum,
    maximum: maximum === Number.MAX_SAFE_INTEGER ? undefined : maximum,
    properties: isSchema(rest['properties']) ? loosenProperties(rest['properties']) : undefined,
    items: isSchema(rest['items']) ? loosen(rest['items']) : rest['items'],
    anyOf: Array.isArray(rest['anyOf']) ? rest['anyOf'].map(loosenInner) : undefined,
    additionalProperties: isSchema(rest['additionalProperties'])
      ? loosen(rest['additionalProperties'])
      : rest['additionalProperties'],
  })
}

/** Leaves out keys that are not supported yet, so that editors mark them. */
function loosenProperties(properties: JsonSchema): JsonSchema {
  const supported = Object.entries(properties as Readonly<Record<string, JsonSchema>>).filter(
    ([, property]) => property['status'] !== 'later',
  )
  return Object.fromEntries(supported.map(([key, property]) => [key, loosen(property)]))
}

function isAnyString(schema: JsonSchema): boolean {
  return schema['type'] === 'string' && !['enum', 'const', 'pattern', 'format'].some((rule) => rule in schema)
}

function isSchema(value: unknown): value is JsonSchema {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function defined(schema: JsonSchema): JsonSchema {
  return Object.fromEntries(Object.entries(schema).filter(([, value]) => value !== undefined))
}
