import { describe, expect, test } from 'vitest'
import type { PipelineShape } from '../../../src/component/factory.ts'
import { shapesOf } from '../../../src/service/shapes.ts'
import { daemonConfig } from './daemon-config.ts'

/** Shapes of an exporter `x` in one pipeline for each list of processors. */
function shapes(processors: Record<string, PipelineShape>, ...pipelines: readonly (readonly string[])[]) {
  const config = daemonConfig({
    processors,
    exporters: {
      x: () => {
        throw new Error('shapes are read before anything is built')
      },
    },
    pipelines: Object.fromEntries(
      pipelines.map((processors, i) => [`logs/${i}`, { processors, exporters: ['x'] }] as const),
    ),
  })
  const { exporters, notes } = shapesOf(config)
  return { shape: exporters.get('x'), notes }
}

describe('shapesOf', () => {
  test('asks nothing of an exporter without processors', () => {
    expect(shapes({}, [])).toEqual({ shape: {}, notes: [] })
  })

  test('takes the smallest number of the processors of a pipeline', () => {
    const { shape, notes } = shapes(
      { a: { flushIntervalMs: 200, maxBatchEvents: 10 }, b: { flushIntervalMs: 100 }, c: { maxBatchEvents: 20 } },
      ['a', 'b', 'c'],
    )
    expect(shape).toEqual({ flushIntervalMs: 100, maxBatchEvents: 10 })
    expect(notes).toEqual([])
  })

  test('takes the smallest number of the pipelines of an exporter, and notes the number of each', () => {
    const { shape, notes } = shapes({ a: { flushIntervalMs: 200 }, b: { flushIntervalMs: 5_000 } }, ['a'], ['b'])
    expect(shape).toEqual({ flushIntervalMs: 200 })
    expect(notes).toEqual([
      'pipelines request different settings of x (logs/0: flush after 200 ms; logs/1: flush after 5000 ms): ' +
        'it uses flush after 200 ms',
    ])
  })

  test('notes it too where a pipeline sets no number', () => {
    const { shape, notes } = shapes({ a: { maxBatchEvents: 5 } }, ['a'], [])
    expect(shape).toEqual({ maxBatchEvents: 5 })
    expect(notes).toEqual([
      'pipelines request different settings of x (logs/0: at most 5 events a batch; logs/1: none): ' +
        'it uses at most 5 events a batch',
    ])
  })

  test('notes nothing where the pipelines agree', () => {
    expect(shapes({ a: { flushIntervalMs: 200 } }, ['a'], ['a']).notes).toEqual([])
  })
})
