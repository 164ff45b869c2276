import { describe, expect, test } from 'vitest'
import { configJsonSchema } from '../../../../src/config/describe/json-schema.ts'
import { registry } from '../sample-registry.ts'

const schema = configJsonSchema(registry) as {
  properties: Record<
    string,
    { patternProperties: Record<string, { properties: Record<string, unknown> }>; properties: Record<string, unknown> }
  >
}
const exporter = schema.properties['exporters']?.patternProperties['^awscloudwatchlogs(/[^\\s/]+)?$']?.properties ?? {}

test('every kind of component is listed under its ids', () => {
  const ids = Object.entries(schema.properties).map(([section, { patternProperties }]) => [
    section,
    Object.keys(patternProperties ?? {}),
  ])
  expect(Object.fromEntries(ids)).toMatchObject({
    receivers: ['^otlp(/[^\\s/]+)?$', '^nop(/[^\\s/]+)?$'],
    processors: ['^batch(/[^\\s/]+)?$'],
    extensions: ['^health_check(/[^\\s/]+)?$'],
  })
})

test('keys, defaults and descriptions are those of the schemas', () => {
  expect(exporter['region']).toEqual({ type: 'string', default: '', description: 'Region of AWS.' })
  expect(schema).toMatchObject({ $schema: 'http://json-schema.org/draft-07/schema#', additionalProperties: false })
})

describe('forms that the loader accepts beyond the schema', () => {
  test('a reference may stand for a value that is no text', () => {
    expect(exporter['raw_log']).toMatchObject({ type: ['boolean', 'string'], pattern: '\\$\\{.+\\}' })
    expect(exporter['on_oversize']).toMatchObject({
      default: 'truncate',
      anyOf: [
        { type: 'string', enum: ['truncate', 'reject'] },
        { type: 'string', pattern: '\\$\\{.+\\}' },
      ],
    })
  })
  test('a map may be written without a value', () => {
    expect(exporter['sending_queue']).toMatchObject({ type: ['object', 'null'], additionalProperties: false })
  })
})

test('a key that is not supported yet is left out, one without effect is marked', () => {
  const receiver = JSON.stringify(schema.properties['receivers'])
  expect(receiver).not.toContain('middlewares')
  expect(receiver).toContain('Buffer of a connection. Accepted without effect: the runtime chooses.')
})

test('internal marks do not leak', () => {
  expect(JSON.stringify(schema)).not.toMatch(/"(secret|status|reason)":/)
})
