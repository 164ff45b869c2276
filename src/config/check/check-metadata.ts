import type { Sections } from './check-components.ts'
import type { CheckedService } from './check-service.ts'
import type { Findings } from '../yaml/findings.ts'
import { child, type MapNode } from '../yaml/tree.ts'

/** Reports every exporter option that uses request metadata which no receiver of its pipelines passes on. */
export function checkMetadata(
  root: MapNode,
  { receivers, exporters }: Sections,
  { pipelines }: CheckedService,
  findings: Findings,
): void {
  const lists = [...pipelines.values()].map(({ output }) => output)
  for (const [id, { configured }] of exporters.components) {
    const before = lists.filter((list) => list.exporters.includes(id)).flatMap((list) => list.receivers)
    // A receiver with a problem of its own is reported there.
    const passed = before.some((receiver) => {
      const defined = receivers.components.get(receiver)
      return defined === undefined || defined.configured.factory.passesMetadata?.(defined.configured.config) === true
    })
    if (passed || before.length === 0) continue
    for (const { key, name } of configured.factory.usesMetadata?.(configured.config) ?? []) {
      const option = child(child(child(root, 'exporters'), id), key)
      const example = `write include_metadata: true in ${before.join(' or ')}, under the protocol if it has protocols`
      const problem = `uses metadata.${name}, which no receiver passes on, so it would never have a value: ${example}`
      findings.problem(option?.at ?? root.at, ['exporters', id, key], problem)
    }
  }
}
