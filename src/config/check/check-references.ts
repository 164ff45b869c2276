import { closest } from '../suggest.ts'
import { KIND, type Section } from './check-components.ts'
import type { Findings } from '../yaml/findings.ts'
import type { Node, Path, Position } from '../yaml/tree.ts'

/** Ids that are defined, by section. */
export type DefinedIds = Readonly<Record<Section, ReadonlySet<string>>>

/** Reports every id in a list of a pipeline, or of `service.extensions`, that is not defined in its section. */
export function checkReferences(
  section: Section,
  list: Node | undefined,
  path: Path,
  defined: DefinedIds,
  findings: Findings,
): void {
  for (const [index, { id, at }] of idsIn(list).entries())
    if (!defined[section].has(id)) findings.problem(at, [...path, index], explain(id, section, defined))
}

function explain(id: string, section: Section, defined: DefinedIds): string {
  const missing = `${KIND[section]} ${JSON.stringify(id)} is not defined`
  const near = closest(id, defined[section])
  if (near !== undefined) return `${missing}; did you mean ${JSON.stringify(near)}?`
  return `${missing}: write ${id}: under ${section}:, or remove it here`
}

/** Returns the ids in a list; items that are not strings are reported by its schema. */
function idsIn(list: Node | undefined): { readonly id: string; readonly at: Position }[] {
  const nodes = list?.kind === 'list' ? list.items : list === undefined ? [] : [list]
  return nodes.flatMap((node) => {
    if (node.kind !== 'scalar' || typeof node.value !== 'string') return []
    // The collector reads one string as a list: `receivers: otlp,nop`.
    const ids = list?.kind === 'list' ? [node.value] : node.value.split(',')
    return ids.filter((id) => id !== '').map((id) => ({ id, at: node.at }))
  })
}
