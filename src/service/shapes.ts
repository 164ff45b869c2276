import type { PipelineShape } from '../component/factory.ts'
import type { DaemonConfig } from '../config/daemon-config.ts'

/** What the processors of a config ask for, each asked once. */
export interface Shapes {
  /** By processor id. */
  readonly processors: ReadonlyMap<string, PipelineShape>
  /** By exporter id: what all of its pipelines together ask of its lanes. */
  readonly exporters: ReadonlyMap<string, PipelineShape>
  /** Where pipelines ask differently of one exporter. */
  readonly notes: readonly string[]
}

/** Keys of a shape that an exporter's lanes keep to. */
const LANE_KEYS = ['flushIntervalMs', 'maxBatchEvents'] as const

/**
 * Within a pipeline and over the pipelines of an exporter the smallest number wins: nobody waits longer, or gets a larger
 * batch, than they asked for.
 */
export function shapesOf(config: DaemonConfig): Shapes {
  const processors = new Map<string, PipelineShape>()
  for (const [id, { factory, config: own }] of config.processors) processors.set(id, factory.shape(own))

  const exporters = new Map<string, PipelineShape>()
  const notes: string[] = []
  for (const exporter of config.exporters.keys()) {
    const asked = [...config.service.pipelines]
      .filter(([, pipeline]) => pipeline.exporters.includes(exporter))
      .map(([name, pipeline]) => ({ name, shape: smallest(pipeline.processors.map((id) => processors.get(id) ?? {})) }))
    const shape = smallest(asked.map(({ shape }) => shape))
    exporters.set(exporter, shape)
    if (asked.every((one) => sameForLanes(one.shape, shape))) continue
    const told = asked.map(({ name, shape }) => `${name} for ${tell(shape)}`).join(', ')
    notes.push(`pipelines ask differently of ${exporter} (${told}): it gets ${tell(shape)}`)
  }
  return { processors, exporters, notes }
}

function smallest(shapes: readonly PipelineShape[]): PipelineShape {
  const result: { -readonly [Key in (typeof LANE_KEYS)[number]]?: number } = {}
  for (const shape of shapes) {
    for (const key of LANE_KEYS) {
      const value = shape[key]
      if (value !== undefined) result[key] = Math.min(value, result[key] ?? Infinity)
    }
  }
  return result
}

function sameForLanes(one: PipelineShape, other: PipelineShape): boolean {
  return LANE_KEYS.every((key) => one[key] === other[key])
}

function tell({ flushIntervalMs, maxBatchEvents }: PipelineShape): string {
  const parts: string[] = []
  if (flushIntervalMs !== undefined) parts.push(`a flush after ${flushIntervalMs} ms`)
  if (maxBatchEvents !== undefined) parts.push(`at most ${maxBatchEvents} events a batch`)
  return parts.length === 0 ? 'nothing' : parts.join(' and ')
}
