import * as z from 'zod'
import { extension } from '../../config/schema/fields.ts'
import { checkListening, httpFields, listening, withDerived } from '../../intake/config.ts'

/** The options of a server on a socket, as the `otlp` receiver has them for HTTP, and those of `POST /logs`. */
export const httpJsonConfigSchema = z
  .strictObject({
    endpoint: z.string().default('localhost:4319').describe('Address to listen on.'),
    path: z
      .string()
      .startsWith('/', 'has to start with "/": write a path such as /logs')
      .refine((path) => path !== '/openapi.json', 'is the path of the OpenAPI document: write another one')
      .default('/logs')
      .describe('Path that accepts logs.'),
    status: z
      .literal([200, 202])
      .default(202)
      .describe('Status of the response to accepted logs, for clients that expect 200.'),
    envelope: z
      .boolean()
      .default(false)
      .describe('Write events in the JSON form of OTLP records, with level and names. Off: the bare log_message.'),
    storage: extension()
      .optional()
      .describe(
        'Id of the storage extension that keeps the idempotency keys over a restart: that of the sending_queue of the exporter.',
      ),
    ...listening,
    ...httpFields,
  })
  .superRefine(checkListening)
  .transform(withDerived)

export type HttpJsonConfig = z.output<typeof httpJsonConfigSchema>
