import { LineFormat } from './line-format.ts'

/** Options of the message's form, with the names of Elixir's Logger. */
export interface LineOptions {
  /** Template of the message: `$time $date $level $levelpad $message $metadata $node`. Default: the event is JSON. */
  readonly format?: string | undefined
  /** Attributes of a record that are kept. Default `all`. */
  readonly metadata?: 'all' | readonly string[] | undefined
}

export interface ReadLineOptions {
  readonly format: LineFormat | undefined
  readonly metadata: ReadonlySet<string> | 'all'
}

/** @param problems receives a description of each option that is wrong */
export function readLineOptions(
  { format, metadata, rawLog }: Readonly<Record<string, unknown>>,
  problems: string[],
): ReadLineOptions {
  const parsed = format === undefined ? undefined : LineFormat.parse(format)
  if (typeof parsed === 'string') problems.push(`format: ${parsed}`)
  if (parsed !== undefined && rawLog === false)
    problems.push('rawLog: false would put the line of format into JSON: remove one of them')
  if (!isSelection(metadata))
    problems.push(`metadata: ${kindOf(metadata)} is neither "all" nor a list of keys: write all or ["request_id"]`)
  return {
    format: typeof parsed === 'string' ? undefined : parsed,
    metadata: Array.isArray(metadata) ? new Set(metadata as readonly string[]) : 'all',
  }
}

function isSelection(value: unknown): boolean {
  if (value === undefined || value === 'all') return true
  return Array.isArray(value) && value.every((each) => typeof each === 'string')
}

/** A wrong value for a message: strings as they are, everything else by its type. */
export function kindOf(value: unknown): string {
  if (value === null) return 'null'
  return Array.isArray(value) ? 'this list' : typeof value === 'string' ? JSON.stringify(value) : typeof value
}
