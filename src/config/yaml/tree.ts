// What a config is between its text and its checked form: the YAML's values, each with the place where it was written.
// Positions live through merging and expansion, so that every problem can name its line.

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
  /** The characters a reference stood for, such as `0123` for the number 123: what a field that wants text is given. */
  readonly original?: string
}

export interface MapNode extends NodeBase {
  readonly kind: 'map'
  /** In the order written. */
  readonly entries: ReadonlyMap<string, Entry>
}

export interface Entry {
  /** Where the key stands; `value.at` is where its value begins. */
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
  /** Why a text that a reference brought in could not be read as YAML: the cause, if something else than text was wanted. */
  readonly notYaml?: string
  /** Stands for a reference that could not be followed, which was told: whatever else is wrong here comes of it. */
  readonly unresolved?: true
}

export type Scalar = string | number | boolean | null

/** Keys and list places from the root down. */
export type Path = readonly (string | number)[]

export function formatPosition(at: Position): string {
  return [at.source, at.line, at.column].filter((part) => part !== undefined).join(':')
}

/** `service.pipelines.logs.receivers[1]`; a key that would read as several is quoted. */
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

/** The value under a key of a map; undefined where the node is no map or has no such key. */
export function child(node: Node | undefined, key: string): Node | undefined {
  return node?.kind === 'map' ? node.entries.get(key)?.value : undefined
}

/** Gives every value the same place: one that has no lines. */
export function placeAt<Kind extends Node>(node: Kind, at: Position): Kind
export function placeAt(node: Node, at: Position): Node {
  if (node.kind === 'scalar') return { ...node, at }
  if (node.kind === 'list') return { ...node, at, items: node.items.map((item) => placeAt(item, at)) }
  const entries = new Map<string, Entry>()
  for (const [key, entry] of node.entries) entries.set(key, { keyAt: at, value: placeAt(entry.value, at) })
  return { ...node, at, entries }
}
