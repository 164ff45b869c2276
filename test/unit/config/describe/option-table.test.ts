import { expect, test } from 'vitest'
import { z } from 'zod'
import { acceptedWithoutEffect, duration, notYet, size } from '../../../../src/config/schema/fields.ts'
import { optionTable, replaceOptionTable } from '../../../../src/config/describe/option-table.ts'

const schema = z.strictObject({
  name: z.string().describe('Its name | or not.'),
  timeout: duration().prefault('30s').describe('Time it may take.'),
  limit: size().optional().describe('Bytes.'),
  queue: z
    .strictObject({ enabled: z.boolean().default(true).describe('On.') })
    .prefault({})
    .describe('The queue.'),
  readers: z
    .array(z.strictObject({ port: z.int().default(1).describe('Port.') }))
    .default([])
    .describe('Readers.'),
  old: acceptedWithoutEffect(z.strictObject({ x: z.int().describe('X.') }), 'it is the default').describe('Old.'),
  later: notYet(z.string(), 'wait').describe('Later.'),
})

test('a row for each key, in the order of the schema, those inside maps and lists after it', () => {
  const rows = optionTable(schema)
    .split('\n')
    .map((line) => line.replaceAll(/ +\|/g, ' |'))
  expect(rows.slice(2)).toEqual([
    '| `name` | required | Its name \\| or not. |',
    '| `timeout` | `30s` | Time it may take. |',
    '| `limit` | | Bytes. |',
    '| `queue` | | The queue. |',
    '| `queue.enabled` | `true` | On. |',
    '| `readers` | `[]` | Readers. |',
    '| `readers[].port` | `1` | Port. |',
    '| `old` | | Old. Accepted without effect: it is the default. |',
    '| `later` | | Later. Not supported yet: wait. |',
  ])
})

test('columns are aligned, as the formatter leaves them', () => {
  expect(
    new Set(
      optionTable(schema)
        .split('\n')
        .map(({ length }) => length),
    ).size,
  ).toBe(1)
})

test('only the text between the markers of a README changes', () => {
  const readme = 'before\n<!-- options:begin -->\nold\n<!-- options:end -->\nafter\n'
  expect(replaceOptionTable(readme, z.strictObject({}))).toBe(
    'before\n<!-- options:begin -->\n\nIt has no options.\n\n<!-- options:end -->\nafter\n',
  )
  expect(replaceOptionTable('no markers', schema)).toBeUndefined()
})
