import type { z } from 'zod'
import { explainIssue, flattenIssue, type Issue } from './explain-issue.ts'
import type { Findings } from '../yaml/findings.ts'
import { inputFor } from './input.ts'
import { aliasConflicts } from '../schema/aliases.ts'
import { holdsSecret, type Schema, viewsAlong } from '../schema/schema-view.ts'
import { type Entry, formatPath, type Node, type Path, type Position } from '../yaml/tree.ts'

export interface Checked<Output> {
  /** The written value, in the form the schema reads. */
  readonly input: unknown
  readonly output: Output
}

/** Parses a part of the config tree with its schema. Returns undefined if there were problems, which name their place. */
export function checkValue<Output>(
  schema: z.ZodType<Output>,
  entry: Entry,
  path: Path,
  findings: Findings,
): Checked<Output> | undefined {
  const before = findings.problems.length
  const input = inputFor(schema, entry.value, path, findings)
  for (const { alias, target } of aliasConflicts(schema, input)) {
    const message = `is another name of ${formatPath([...path, ...target])}, which is written too: remove one of them`
    findings.problem(locate(entry, alias).at, [...path, ...alias], message)
  }
  // Suppresses zod's own messages: explainIssue writes ours if the schema has none.
  const result = schema.safeParse(input, { reportInput: true, error: () => '' })
  for (const issue of result.error?.issues.flatMap(flattenIssue) ?? []) report(issue, schema, entry, path, findings)
  return result.success && findings.problems.length === before ? { input, output: result.data } : undefined
}

function report(issue: Issue, schema: Schema, root: Entry, rootPath: Path, findings: Findings): void {
  const path = issue.path.filter((part) => typeof part !== 'symbol')
  const views = viewsAlong(schema, path)
  const view = views.at(-1)
  // A string instead of a map with a secret in it: `htpasswd: user:password`.
  const misplaced = view !== undefined && typeof issue.input === 'string' && holdsSecret(view)
  const secret = misplaced || views.some(({ meta }) => meta.secret === true)
  const { at, node } = locate(root, path)
  if (node.kind === 'scalar' && node.unresolved === true) return
  const cause = node.kind === 'scalar' && node.notYaml !== undefined && !secret ? ` (${node.notYaml})` : ''
  findings.problem(at, [...rootPath, ...path], explainIssue(issue, secret, view?.meta.description) + cause)
}

/**
 * Returns the place of a value: its start if it is on one line, else its key. For a missing value, the place of the map it is
 * missing from.
 */
function locate(root: Entry, path: Path): { at: Position; node: Node } {
  let node = root.value
  let keyAt = root.keyAt
  for (const part of path) {
    const entry = typeof part === 'string' && node.kind === 'map' ? node.entries.get(part) : undefined
    const next = typeof part === 'number' && node.kind === 'list' ? node.items[part] : entry?.value
    if (next === undefined) return { at: keyAt, node }
    keyAt = entry?.keyAt ?? next.at
    node = next
  }
  return { at: node.kind === 'scalar' && node.value !== null ? node.at : keyAt, node }
}
