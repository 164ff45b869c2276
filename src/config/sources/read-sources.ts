import { Findings } from '../yaml/findings.ts'
import { merge, putNested } from '../yaml/merge.ts'
import { parseYaml } from '../yaml/parse-yaml.ts'
import { type Outside, hasScheme, retrieve } from './retrieve.ts'
import { emptyMap, type Entry, type MapNode, type Node, placeAt, type Position } from '../yaml/tree.ts'

/** The position of the tree if no source has any content. */
const NOWHERE: Position = { source: 'config' }

/**
 * Reads every `--config` and merges them in order. One that cannot be read is a problem; the others are still read.
 * @param uris paths, or `file:`, `env:` and `yaml:` URIs
 */
export function readSources(uris: readonly string[], outside: Outside, findings: Findings): MapNode {
  const roots = uris.map((uri) => readSource(uri, outside, findings)).filter((root) => root !== undefined)
  return roots.reduce((earlier, later) => merge(earlier, later) as MapNode, emptyMap(roots[0]?.at ?? NOWHERE))
}

function readSource(uri: string, outside: Outside, findings: Findings): MapNode | undefined {
  const retrieved = retrieve(hasScheme(uri) ? uri : `file:${uri}`, outside)
  const at: Position = { source: `--config ${withoutUserinfo(uri)}` }
  if (retrieved.kind === 'failed') return complain(findings, at, retrieved.message)
  const root = parseYaml(retrieved.text, retrieved.source, findings)
  if (root === undefined || root.kind === 'map') return root
  if (root.kind === 'scalar' && root.value === null) return emptyMap(root.at)
  return complain(
    findings,
    root.at,
    'a config is a map: write receivers:, exporters: and service: at the start of a line',
  )
}

/** A URL may hold a password, and the config cannot be fetched from it anyway. */
function withoutUserinfo(uri: string): string {
  return uri
    .replace(/^([a-z][a-z0-9+.-]*:\/\/)[^/?#]*@/i, '$1[REDACTED]@')
    .replace(/^(https?:[^?]*\?).*/is, '$1[REDACTED]')
}

/**
 * Merges `--set a.b=c` or `a::b=c` into a config, in order, after all sources. The value is YAML; a string field gets it as
 * typed.
 */
export function applySets(root: MapNode, sets: readonly string[], findings: Findings): MapNode {
  return sets.reduce((tree, set) => {
    const change = parseSet(set, findings)
    return change === undefined ? tree : (merge(tree, change) as MapNode)
  }, root)
}

function parseSet(set: string, findings: Findings): MapNode | undefined {
  const separator = set.indexOf('=')
  // A value may be a secret, so only the key is shown.
  const key = (separator < 0 ? set : set.slice(0, separator)).trim()
  const at: Position = { source: `--set ${key}` }
  if (separator < 0 || key === '')
    return complain(findings, at, 'write --set key=value, such as exporters.debug.verbosity=detailed')
  const text = set.slice(separator + 1).trim()
  const entries = new Map<string, Entry>()
  putNested(entries, key.replaceAll('.', '::'), { keyAt: at, value: parseValue(text, at) })
  return { kind: 'map', at, entries }
}

function parseValue(text: string, at: Position): Node {
  const node = parseYaml(text, at.source, new Findings())
  // `*` and `@home` are not YAML, but are typed without quotes.
  if (node === undefined) return { kind: 'scalar', at, value: text }
  return node.kind === 'scalar' && typeof node.value === 'string'
    ? { ...node, at }
    : { ...placeAt(node, at), original: text }
}

function complain(findings: Findings, at: Position, message: string): undefined {
  findings.problem(at, [], message)
}
