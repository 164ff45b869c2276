import * as z from 'zod'
import { duration } from './fields.ts'
import { serviceTelemetrySchema } from './service-telemetry.ts'

/** Every id in a list once: a second one would be a second copy of each record, or nothing. */
function ids() {
  return z.array(z.string()).superRefine((list, context) => {
    list.forEach((id, index) => {
      if (list.indexOf(id) < index)
        context.addIssue({
          code: 'custom',
          path: [index],
          message: `${JSON.stringify(id)} stands twice: write it once`,
        })
    })
  })
}

export const pipelineSchema = z.strictObject({
  receivers: ids().default([]).describe('Ids of the receivers that feed it.'),
  processors: ids().default([]).describe('Ids of its processors, in order.'),
  exporters: ids().default([]).describe('Ids of the exporters that each get every record.'),
})

/** `service`, its pipelines aside. */
export const serviceSchema = z.strictObject({
  extensions: ids().default([]).describe('Ids of the extensions to start, in order.'),
  telemetry: serviceTelemetrySchema,
  workers: z
    .int()
    .min(1)
    .max(64)
    .default(1)
    .describe(
      'Processes that share the ports and the limits of this config, each with its own queue; at most one a CPU is of use.',
    ),
  shutdown_timeout: duration()
    .prefault('25s')
    .describe('Time to drain in after SIGTERM; under the 30 s that Kubernetes waits.'),
})
