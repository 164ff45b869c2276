import { type Schema, type SchemaView, viewSchema } from '../schema/schema-view.ts'

type Row = readonly [key: string, fallback: string, description: string]

const HEAD: Row = ['key', 'default', 'what it does']

/** Returns the options of a component as a Markdown table for its README, generated from its schema. */
export function optionTable(schema: Schema): string {
  const rows = rowsOf(schema, '')
  return rows.length === 0 ? 'It has no options.' : formatTable([HEAD, ...rows])
}

/** Returns a row for each key, followed by the keys inside a map: `sending_queue`, `sending_queue.enabled`. */
function rowsOf(schema: Schema, prefix: string): Row[] {
  return [...viewSchema(schema).keys].flatMap(([key, keySchema]) => {
    const view = viewSchema(keySchema)
    const name = prefix + key
    const row: Row = [`\`${name}\``, cell(defaultOf(view)), cell(describe(view))]
    if (view.meta.status !== undefined) return [row]
    return [
      row,
      ...rowsOf(keySchema, `${name}.`),
      ...(view.items === undefined ? [] : rowsOf(view.items, `${name}[].`)),
    ]
  })
}

/** Aligns the columns like the formatter of this repository. */
function formatTable(rows: readonly Row[]): string {
  const widths = HEAD.map((_, column) => Math.max(...rows.map((row) => (row[column] ?? '').length)))
  const [head = '', ...lines] = rows.map(
    (row) => `| ${row.map((text, i) => text.padEnd(widths[i] ?? 0)).join(' | ')} |`,
  )
  return [head, `| ${widths.map((width) => '-'.repeat(width)).join(' | ')} |`, ...lines].join('\n')
}

function defaultOf({ optional, fallback, keys }: SchemaView): string {
  if (!optional) return 'required'
  // The keys of a map have their own rows with defaults.
  if (fallback === undefined || keys.size > 0) return ''
  return `\`${typeof fallback === 'string' && fallback !== '' ? fallback : JSON.stringify(fallback)}\``
}

function describe({ meta: { description = '', status, reason } }: SchemaView): string {
  if (status === 'accepted') return `${description} Accepted without effect: ${reason}.`
  return status === 'later' ? `${description} Not supported yet: ${reason}.` : description
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll('\n', ' ')
}

const BEGIN = '<!-- options:begin -->'
const END = '<!-- options:end -->'

/** Replaces the table between the two markers of a README. Returns undefined if it has no markers. */
export function replaceOptionTable(readme: string, schema: Schema): string | undefined {
  const begin = readme.indexOf(BEGIN)
  const end = readme.indexOf(END)
  if (begin < 0 || end < begin) return undefined
  return `${readme.slice(0, begin + BEGIN.length)}\n\n${optionTable(schema)}\n\n${readme.slice(end)}`
}
