import type { CommandHost, PipelineExporter } from '../../../component/command.ts'

export const TYPE = 'awscloudwatchlogs'

/**
 * Finds the exporters of this type in the pipelines of the config, each once.
 * @param id undefined: all of them
 * @returns Returns undefined if there is none; the reason is printed
 */
export async function findExporters(
  id: string | undefined,
  host: CommandHost,
): Promise<readonly PipelineExporter[] | undefined> {
  const found = await host.pipelines()
  if (found.kind !== 'found') return undefined
  return selectExporters(
    found.pipelines.flatMap(({ exporters }) => exporters),
    id,
    host,
  )
}

/** The same of exporters that are known. */
export function selectExporters(
  exporters: readonly PipelineExporter[],
  id: string | undefined,
  { err }: CommandHost,
): readonly PipelineExporter[] | undefined {
  const ofType = new Map(exporters.filter(({ type }) => type === TYPE).map((exporter) => [exporter.id, exporter]))
  if (ofType.size === 0) {
    err(`--config: no pipeline has an ${TYPE} exporter: add one to a pipeline\n`)
    return undefined
  }
  if (id === undefined) return [...ofType.values()]
  const one = ofType.get(id)
  if (one !== undefined) return [one]
  err(
    `--exporter: ${JSON.stringify(id)} is no ${TYPE} exporter of a pipeline: write ${[...ofType.keys()].join(' or ')}\n`,
  )
  return undefined
}
