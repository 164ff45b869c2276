import { type Schema, type SchemaView, viewSchema } from '../schema/schema-view.ts'

type Row = readonly [key: string, fallback: string, description: string]

const HEAD: Row = ['key', 'default', 'what it does']

/** The options of a component as a Markdown table for its README, made from the schema that reads them. */
export function optionTable(schema: Schema): string {
  const rows = rowsOf(schema, '')
  return rows.length === 0 ? 'It has no options.' : formatTable([HEAD, ...rows])
}

/** A row for each key, those inside a map after it: `sending_queue`, `sending_queue.enabled`. */
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

/** Columns aligned, as the formatter of this repository leaves them. */
function formatTable(rows: readonly Row[]): string {
  const widths = HEAD.map((_, column) => Math.max(...rows.map((row) => (row[column] ?? '').length)))
  const [head = '', ...lines] = rows.map(
    (row) => `| ${row.map((text, i) => text.padEnd(widths[i] ?? 0)).join(' | ')} |`,
  )
  return [head, `| ${widths.map((width) => '-'.repeat(width)).join(' | ')} |`, ...lines].join('\n')
}

function defaultOf({ optional, fallback, keys }: SchemaView): string {
  if (!optional) return 'required'
  // What a map holds by default is told by its keys.
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

/** A README with the table between its two markers made anew; undefined if it has no markers. */
export function replaceOptionTable(readme: string, schema: Schema): string | undefined {
  const begin = readme.indexOf(BEGIN)
  const end = readme.indexOf(END)
  if (begin < 0 || end < begin) return undefined
  return `${readme.slice(0, begin + BEGIN.length)}\n\n${optionTable(schema)}\n\n${readme.slice(end)}`
}
