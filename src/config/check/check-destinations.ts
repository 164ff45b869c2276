import type { Findings } from '../yaml/findings.ts'
import { child, type MapNode } from '../yaml/tree.ts'
import type { Sections } from './check-components.ts'
import type { CheckedService } from './check-service.ts'

/**
 * Reports every exporter that lets anyone on the network choose its destinations: its pipeline has a receiver whose clients
 * name them, without authentication and beyond loopback, and it does not say which groups they may write.
 */
export function checkDestinations(
  root: MapNode,
  { receivers, exporters }: Sections,
  { pipelines }: CheckedService,
  findings: Findings,
): void {
  const reported = new Set<string>()
  for (const { output } of pipelines.values()) {
    const open = output.receivers.find((id) => {
      const { factory, config } = receivers.components.get(id)?.configured ?? {}
      return factory?.anyoneNamesDestinations?.(config) === true
    })
    if (open === undefined) continue
    for (const id of output.exporters) {
      const { factory, config } = exporters.components.get(id)?.configured ?? {}
      if (factory?.restrictsDestinations?.(config) !== false || reported.has(id)) continue
      reported.add(id)
      const at = (child(child(root, 'exporters'), id) ?? root).at
      findings.problem(
        at,
        ['exporters', id, 'allowed_log_groups'],
        `is required, because any client of ${open} can name its log group: write the groups they may write, or an authenticator in ${open}`,
      )
    }
  }
}
