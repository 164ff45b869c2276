import * as z from 'zod'
import { acceptedWithoutEffect } from '../../config/schema/fields.ts'

const unused = (description: string) =>
  acceptedWithoutEffect(z.unknown(), 'there are no pages here; see /metrics').describe(description)

/** The collector's keys; none has an effect. */
export const zpagesConfigSchema = z.strictObject({
  endpoint: unused('Where the pages are.'),
  expvar: unused('A page of variables of the Go runtime.'),
  transport: unused('Kind of socket.'),
  tls: unused('TLS of the endpoint.'),
  auth: unused('Who may ask.'),
  cors: unused('Origins of browsers that may ask.'),
  response_headers: unused('Headers added to each answer.'),
  middlewares: unused('Extensions that handle requests first.'),
  max_request_body_size: unused('Largest request body.'),
  include_metadata: unused('Whether headers are kept as metadata.'),
  compression_algorithms: unused('Encodings of request bodies.'),
  read_timeout: unused('Time for a request.'),
  read_header_timeout: unused('Time for the headers of a request.'),
  write_timeout: unused('Time for an answer.'),
  idle_timeout: unused('Time without a request.'),
  keep_alives_enabled: unused('Whether connections are kept.'),
  keepalive: unused('Whether connections are kept.'),
})

export type ZpagesConfig = z.output<typeof zpagesConfigSchema>
