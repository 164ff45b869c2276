import {
  type Alias,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  type Node as YamlNode,
  parseDocument,
  type YAMLError,
  type YAMLMap,
} from 'yaml'
import type { Findings } from './findings.ts'
import { putNested } from './merge.ts'
import type { Entry, MapNode, Node, Position } from './tree.ts'

/** Maximum values in a document after its aliases are followed: nine lines of aliases to aliases reach a billion. */
const MAX_VALUES = 100_000

/**
 * Reads one YAML document with the place of every value. Returns undefined if the text is not YAML or too large; the findings
 * have the reason, with line and column.
 * @param source the source name in positions: a file's path as the operator wrote it, `env:NAME`
 */
export function parseYaml(text: string, source: string, findings: Findings): Node | undefined {
  const lines = new LineCounter()
  const position = (offset: number): Position => {
    const { line, col } = lines.linePos(offset)
    return { source, line, column: col }
  }
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false })
  const errors = [...firstOfEach(document.errors), ...document.warnings]
  for (const error of errors) findings.problem(position(startOf(error, text)), [], explain(error, text))
  if (errors.length > 0) return undefined

  const reader = new Reader(position, findings)
  const root = reader.read(document.contents, false)
  return reader.failed ? undefined : root
}

/** Keeps the first syntax error, as the others are usually its consequences, and every duplicate key. */
function firstOfEach(errors: readonly YAMLError[]): YAMLError[] {
  const syntax = errors.find((error) => error.code !== 'DUPLICATE_KEY')
  return [...(syntax === undefined ? [] : [syntax]), ...errors.filter((error) => error.code === 'DUPLICATE_KEY')]
}

const EXPLANATIONS: Partial<Record<YAMLError['code'], string>> = {
  MULTIPLE_DOCS: 'a second document starts here: write one document, or a file for each with several --config',
  TAB_AS_INDENT: 'not valid YAML: a tab is used as indentation: use spaces',
  RESOURCE_EXHAUSTION: 'nested too deeply',
  TAG_RESOLVE_FAILED: 'not valid YAML: tags are not supported: put quotes around a string that begins with !',
}

/** The parser reports a duplicate key too early after a key without a value: at the blanks and comments before it. */
function startOf({ code, pos: [from] }: YAMLError, text: string): number {
  if (code !== 'DUPLICATE_KEY') return from
  return from + (/^(?:\s|#.*)*/.exec(text.slice(from))?.[0].length ?? 0)
}

function explain(error: YAMLError, text: string): string {
  if (error.code === 'DUPLICATE_KEY') {
    const key = /^[^\s:]*/.exec(text.slice(startOf(error, text)))?.[0]
    return `duplicate key ${key} in the same map: keep one of the two`
  }
  // The part of the text that the parser repeats after a colon may belong to a secret.
  const [why] = error.message.split(/(?<=\w): /, 1)
  return EXPLANATIONS[error.code] ?? `not valid YAML: ${why}`
}

class Reader {
  readonly #position: (offset: number) => Position
  readonly #findings: Findings
  /** The nodes being read, from the root down: an alias to one of these would never end. */
  readonly #open = new Set<YamlNode>()
  readonly #anchors = new Map<string, YamlNode>()
  #values = 0
  #following = 0
  failed = false

  constructor(position: (offset: number) => Position, findings: Findings) {
    this.#position = position
    this.#findings = findings
  }

  /** @param inList keys with `::` inside a list are left alone, as the collector leaves them */
  read(node: YamlNode | null, inList: boolean): Node {
    const at = this.#position(node?.range?.[0] ?? 0)
    if (node === null || this.failed) return { kind: 'scalar', at, value: null }
    if (++this.#values > MAX_VALUES)
      return this.#refuse(at, `the aliases expand to more than ${MAX_VALUES} values: write fewer aliases`)
    if (isAlias(node)) return this.#follow(node, at, inList)
    // Reading through an alias must not move the anchors inside it.
    if (this.#following === 0 && 'anchor' in node && node.anchor !== undefined) this.#anchors.set(node.anchor, node)
    this.#open.add(node)
    try {
      if (isMap(node)) return this.#readMap(node, at, inList)
      if (isSeq(node)) return { kind: 'list', at, items: node.items.map((item) => this.read(item as YamlNode, true)) }
      return this.#readScalar(node, at)
    } finally {
      this.#open.delete(node)
    }
  }

  #follow(alias: Alias, at: Position, inList: boolean): Node {
    const target = this.#anchors.get(alias.source)
    if (target === undefined)
      return this.#refuse(at, 'there is no anchor before this alias: put quotes around a string that begins with *')
    if (this.#open.has(target)) return this.#refuse(at, `the alias *${alias.source} is inside its own anchor`)
    this.#following++
    try {
      return { ...this.read(target, inList), at }
    } finally {
      this.#following--
    }
  }

  #readScalar(node: YamlNode, at: Position): Node {
    const { value, source = '' } = isScalar(node) ? node : {}
    // A whole number that would be rounded stays a string, and a number field then reports it.
    const isWhole = typeof value === 'number' && /^[-+]?\d+$/.test(source)
    if (isWhole && String(value) !== source && BigInt(value) !== BigInt(source))
      return { kind: 'scalar', at, value: source }
    if (value === null || typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean')
      return { kind: 'scalar', at, value }
    return this.#refuse(at, 'expected a string, number, boolean, list or map: put quotes around it')
  }

  #readMap(map: YAMLMap, at: Position, inList: boolean): MapNode {
    const entries = new Map<string, Entry>()
    let inherited: ReadonlyMap<string, Entry> = new Map()
    for (const pair of map.items) {
      const keyNode = pair.key as YamlNode
      const keyAt = this.#position(keyNode.range?.[0] ?? 0)
      if (!isScalar(keyNode)) {
        this.#refuse(keyAt, 'a key must be a string')
        continue
      }
      // `1:` and `true:` are keys as written.
      const key = typeof keyNode.value === 'string' ? keyNode.value : (keyNode.source ?? '')
      const value = this.read(pair.value as YamlNode | null, inList)
      if (key === '<<' && keyNode.type === 'PLAIN') inherited = this.#inherit(value)
      else if (inList) entries.set(key, { keyAt, value })
      else putNested(entries, key, { keyAt, value })
    }
    // YAML's merge key adds the entries that the map lacks, one level deep.
    for (const [key, entry] of inherited) if (!entries.has(key)) entries.set(key, entry)
    return { kind: 'map', at, entries }
  }

  /** Reads `<<: *a` or `<<: [*a, *b]`, where the earlier one wins. */
  #inherit(value: Node): ReadonlyMap<string, Entry> {
    const entries = new Map<string, Entry>()
    for (const part of value.kind === 'list' ? value.items : [value]) {
      if (part.kind !== 'map') this.#refuse(part.at, 'the merge key << takes a map or a list of maps')
      else for (const [key, entry] of part.entries) if (!entries.has(key)) entries.set(key, entry)
    }
    return entries
  }

  #refuse(at: Position, message: string): Node {
    this.failed = true
    this.#findings.problem(at, [], message)
    return { kind: 'scalar', at, value: null }
  }
}
