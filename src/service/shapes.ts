import type { PipelineShape } from '../component/factory.ts'
import type { DaemonConfig } from '../config/daemon-config.ts'

/** The settings that the processors of a config request. */
export interface Shapes {
  /** By processor id. */
  readonly processors: ReadonlyMap<string, PipelineShape>
  /** By exporter id: the lane settings combined over all of its pipelines. */
  readonly exporters: ReadonlyMap<string, PipelineShape>
  /** One note for each exporter whose pipelines request different settings. */
  readonly notes: readonly string[]
}

/** Keys of a shape that apply to an exporter's lanes. */
const LANE_KEYS = ['flushIntervalMs', 'maxBatchEvents'] as const

/**
 * Combines the shapes of processors. Within a pipeline and over the pipelines of an exporter the smallest number wins: no
 * pipeline gets a longer wait or a larger batch than it requests.
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
    const requested = asked.map(({ name, shape }) => `${name}: ${describe(shape)}`).join('; ')
    notes.push(`pipelines request different settings of ${exporter} (${requested}): it uses ${describe(shape)}`)
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

function describe({ flushIntervalMs, maxBatchEvents }: PipelineShape): string {
  const parts: string[] = []
  if (flushIntervalMs !== undefined) parts.push(`flush after ${flushIntervalMs} ms`)
  if (maxBatchEvents !== undefined) parts.push(`at most ${maxBatchEvents} events a batch`)
  return parts.length === 0 ? 'none' : parts.join(' and ')
}
