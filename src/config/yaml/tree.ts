// The config between its text and its checked form: the YAML's values, each with the place where it was written. Positions
// survive merging and expansion, so that every problem can name its line.

export interface Position {
  /** As the operator named it: `config/agent.yaml`, `env:CONFIG`, `--set a.b`, `OTLP_CLOUDWATCH__REGION`. */
  readonly source: string
  /** 1-based; undefined where the source has no lines. */
  readonly line?: number
  readonly column?: number
}

export type Node = MapNode | ListNode | ScalarNode

interface NodeBase {
  readonly at: Position
  /** The characters of an expanded reference for a string field, such as `0123` for the number 123. */
  readonly original?: string
}

export interface MapNode extends NodeBase {
  readonly kind: 'map'
  /** In the order written. */
  readonly entries: ReadonlyMap<string, Entry>
}

export interface Entry {
  /** Position of the key; `value.at` is that of its value. */
  readonly keyAt: Position
  readonly value: Node
}

export interface ListNode extends NodeBase {
  readonly kind: 'list'
  readonly items: readonly Node[]
}

export interface ScalarNode extends NodeBase {
  readonly kind: 'scalar'
  readonly value: Scalar
  /** Why the text of a reference is not YAML: the likely cause if a value other than a string is expected. */
  readonly notYaml?: string
  /** Set for a reference that could not be resolved and was reported; other problems here are its consequences. */
  readonly unresolved?: true
}

export type Scalar = string | number | boolean | null

/** Keys and list places from the root down. */
export type Path = readonly (string | number)[]

export function formatPosition(at: Position): string {
  return [at.source, at.line, at.column].filter((part) => part !== undefined).join(':')
}

/** Formats a path as `service.pipelines.logs.receivers[1]`, with quotes around a key that would read as several. */
export function formatPath(path: Path): string {
  return path.reduce<string>((text, part) => {
    if (typeof part === 'number') return `${text}[${part}]`
    const key = /^[^\s."[\]]+$/.test(part) ? part : JSON.stringify(part)
    return text === '' ? key : `${text}.${key}`
  }, '')
}

export function emptyMap(at: Position): MapNode {
  return { kind: 'map', at, entries: new Map() }
}

/** Returns the value of a key of a map; undefined if the node is not a map or has no such key. */
export function child(node: Node | undefined, key: string): Node | undefined {
  return node?.kind === 'map' ? node.entries.get(key)?.value : undefined
}

/** Gives every value the same place, for a source without lines. */
export function placeAt<Kind extends Node>(node: Kind, at: Position): Kind
export function placeAt(node: Node, at: Position): Node {
  if (node.kind === 'scalar') return { ...node, at }
  if (node.kind === 'list') return { ...node, at, items: node.items.map((item) => placeAt(item, at)) }
  const entries = new Map<string, Entry>()
  for (const [key, entry] of node.entries) entries.set(key, { keyAt: at, value: placeAt(entry.value, at) })
  return { ...node, at, entries }
}
