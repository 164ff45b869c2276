import * as z from 'zod'
import { duration } from './fields.ts'
import { serviceTelemetrySchema } from './service-telemetry.ts'

/** A list of unique ids: a duplicate would copy each record or have no effect. */
function ids() {
  return z.array(z.string()).superRefine((list, context) => {
    list.forEach((id, index) => {
      if (list.indexOf(id) < index)
        context.addIssue({
          code: 'custom',
          path: [index],
          message: `${JSON.stringify(id)} is a duplicate: write it once`,
        })
    })
  })
}

export const pipelineSchema = z.strictObject({
  receivers: ids().default([]).describe('Ids of its receivers.'),
  processors: ids().default([]).describe('Ids of its processors, in order.'),
  exporters: ids().default([]).describe('Ids of its exporters; each gets every record.'),
})

/** `service` without its pipelines. */
export const serviceSchema = z.strictObject({
  extensions: ids().default([]).describe('Ids of the extensions to start, in order.'),
  telemetry: serviceTelemetrySchema,
  workers: z
    .int()
    .min(1)
    .max(64)
    .default(1)
    .describe(
      'Number of processes, which share ports and limits; each has its own queue. More than one per CPU does not help.',
    ),
  shutdown_timeout: duration()
    .prefault('25s')
    .describe('Maximum time to drain after SIGTERM; keep it below the 30 s that Kubernetes waits.'),
})
