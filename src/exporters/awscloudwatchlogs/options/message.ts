import * as z from 'zod'
import { fieldProblem } from '../event/message/message-shape.ts'

function fields() {
  return z
    .array(
      z.string().superRefine((path, context) => {
        const problem = fieldProblem(path)
        if (problem !== undefined) context.addIssue({ code: 'custom', message: problem })
      }),
    )
    .optional()
}

/** The options of `message`. */
export const messageSchema = z
  .strictObject({
    merge_body: z
      .boolean()
      .default(false)
      .describe('Write the members of a body that is a map, or a string with a JSON object, at the top of the event.'),
    attributes: z
      .enum(['nested', 'flat'])
      .default('nested')
      .describe('flat writes attributes at the top of the event, those of resource and scope with a prefix.'),
    include: fields().describe('Fields to write: body, resource, attributes.order.id, resource.k8s.*. Unset: all.'),
    exclude: fields().describe('Fields to leave out, named as in include.'),
    trace_id: z
      .enum(['hex', 'xray'])
      .default('hex')
      .describe('xray writes trace ids as X-Ray does: 1-5759e988-bd862e3fe1be46a994272793.'),
    emf: z
      .boolean()
      .default(false)
      .describe(
        'Write bodies that are documents of the embedded metric format unchanged; a wrong one becomes a plain log.',
      ),
    sequence: z
      .boolean()
      .default(false)
      .describe('Add a member "sequence" that increases from event to event, to sort events of one millisecond.'),
  })
  .prefault({})
  .describe('Form of the event; without it, that of the collector.')

type Message = z.output<typeof messageSchema>

/** @returns Returns the written options that shape the event around the body */
export function optionsOfEnvelope(message: Message): readonly (keyof Message)[] {
  const { merge_body, attributes, include, exclude, trace_id, sequence } = message
  const written = {
    merge_body,
    attributes: attributes !== 'nested',
    include: include !== undefined,
    exclude: exclude !== undefined,
    trace_id: trace_id !== 'hex',
    sequence,
  }
  return (Object.keys(written) as (keyof typeof written)[]).filter((key) => written[key])
}
