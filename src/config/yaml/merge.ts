import type { Entry, MapNode, Node } from './tree.ts'

/**
 * Merges sources by the collector's rule (confmap README): maps merge deeply, in order; a list, a string or a null replaces
 * any earlier value, so `key:` without a value erases an earlier map.
 */
export function merge(earlier: Node, later: Node): Node {
  if (earlier.kind !== 'map' || later.kind !== 'map') return later
  const entries = new Map(earlier.entries)
  for (const [key, entry] of later.entries) put(entries, key, entry)
  return { ...later, entries }
}

function put(entries: Map<string, Entry>, key: string, entry: Entry): void {
  const existing = entries.get(key)
  entries.set(key, existing === undefined ? entry : { ...entry, value: merge(existing.value, entry.value) })
}

/** Merges a value at `a::b`, the collector's one-line form of `a: {b: …}`, into the entries. */
export function putNested(entries: Map<string, Entry>, key: string, entry: Entry): void {
  const [first = '', ...rest] = key.split('::')
  const value = rest.reduceRight<Node>(
    (inner, name): MapNode => ({
      kind: 'map',
      at: entry.keyAt,
      entries: new Map([[name, { keyAt: entry.keyAt, value: inner }]]),
    }),
    entry.value,
  )
  put(entries, first, { keyAt: entry.keyAt, value })
}
