import type { Entry, MapNode, Node } from './tree.ts'

/**
 * The collector's rule for several sources (confmap README): maps merge deeply, in order; a list, a text or a null takes
 * the place of whatever stood there, so `key:` without a value erases an earlier map.
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

/** Puts a value under `a::b`, which is how the collector writes `a: {b: …}` on one line, beside what is there. */
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
