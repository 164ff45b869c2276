import { Findings, formatProblem } from '../yaml/findings.ts'
import { parseYaml } from '../yaml/parse-yaml.ts'
import { defaultsAround, findReference, type Reference, unescapeDollars } from './reference.ts'
import { type Outside, retrieve, variable } from './retrieve.ts'
import { type Entry, type Node, type Path, type ScalarNode } from '../yaml/tree.ts'

// A variable that names itself, or a file that includes itself, never ends. Beyond these limits it is taken for one.
const MAX_REFERENCES = 10_000
const MAX_DEPTH = 6
const MAX_TEXT_LENGTH = 1_000_000

/**
 * Replaces `${env:NAME}`, `${NAME}`, `${file:path}` and `${yaml:text}` with their values. As in the collector, this follows
 * the merging of sources: a reference in an overridden value is never looked up.
 */
export function expand(root: Node, outside: Outside, findings: Findings): Node {
  return new Expansion(outside, findings).expand(root, [], 0)
}

class Expansion {
  readonly #outside: Outside
  readonly #findings: Findings
  #references = 0

  constructor(outside: Outside, findings: Findings) {
    this.#outside = outside
    this.#findings = findings
  }

  expand(node: Node, path: Path, depth: number): Node {
    if (node.kind === 'list')
      return { ...node, items: node.items.map((item, index) => this.expand(item, [...path, index], depth)) }
    if (node.kind === 'scalar') return isText(node) ? this.#expandText(node, path, depth) : node
    const entries = new Map<string, Entry>()
    for (const [key, entry] of node.entries)
      entries.set(key, { ...entry, value: this.expand(entry.value, [...path, key], depth) })
    return { ...node, entries }
  }

  #expandText(node: Text, path: Path, depth: number): Node {
    let text = node.value
    let notYaml: string | undefined
    for (;;) {
      const reference = findReference(text)
      if (reference === undefined)
        return { ...node, value: unescapeDollars(text), ...(notYaml === undefined ? {} : { notYaml }) }
      const endless = ++this.#references > MAX_REFERENCES || depth > MAX_DEPTH || text.length > MAX_TEXT_LENGTH
      const found = endless
        ? this.#complain(node, path, `\${${reference.uri}} refers to itself, or expands through too many references`)
        : this.#lookUp(node, reference, text, path)
      if (found === undefined) return { ...node, value: null, unresolved: true }
      const isWhole = reference.end - reference.start === text.length
      if (isWhole && !isText(found.value)) return this.#expandValue(found, path, depth + 1)
      notYaml = isWhole ? found.notYaml : undefined
      text = text.slice(0, reference.start) + found.text + text.slice(reference.end)
    }
  }

  /** A reference that is the whole value keeps its type: a number, a map. A string field gets the characters. */
  #expandValue({ text, value }: Found, path: Path, depth: number): Node {
    const expanded = this.expand(value, path, depth)
    return findReference(text) === undefined ? { ...expanded, original: unescapeDollars(text) } : expanded
  }

  #lookUp(node: ScalarNode, { uri, start }: Reference, within: string, path: Path): Found | undefined {
    const shown = `\${${uri}}`
    if (uri.slice(uri.indexOf(':')).includes('$'))
      return this.#complain(node, path, `${shown}: a reference cannot contain a $`)
    const retrieved = retrieve(uri, this.#outside)
    if (retrieved.kind === 'failed')
      return retrieved.unset && this.#isIdleDefault(within, start)
        ? { text: '', value: { ...node, value: null }, notYaml: undefined }
        : this.#complain(node, path, `${shown}: ${retrieved.message}`)
    const { text, source } = retrieved
    const unread = new Findings()
    const parsed = parseYaml(text, source, unread)
    // A value that is not YAML is a string: a password may begin with @ or *.
    if (parsed === undefined || isText(parsed)) {
      const [why] = unread.problems
      return { text, value: { ...node, value: text }, notYaml: why && formatProblem(why) }
    }
    return { text, value: parsed.kind === 'scalar' ? { ...parsed, at: node.at } : parsed, notYaml: undefined }
  }

  /** Returns whether an outer variable of a chain of defaults is set, so that this one need not be. */
  #isIdleDefault(text: string, start: number): boolean {
    return defaultsAround(text, start).some((name) => variable(this.#outside.env, name) !== undefined)
  }

  #complain(node: ScalarNode, path: Path, message: string): undefined {
    this.#findings.problem(node.at, path, message)
  }
}

/** The value of a reference, and the characters it was written in. */
interface Found {
  readonly text: string
  readonly value: Node
  readonly notYaml: string | undefined
}

type Text = ScalarNode & { readonly value: string }

function isText(node: Node): node is Text {
  return node.kind === 'scalar' && typeof node.value === 'string'
}
