import * as z from 'zod'
import { acceptedWithoutEffect } from '../../config/schema/fields.ts'

const unused = (description: string) =>
  acceptedWithoutEffect(z.unknown(), 'there are no pages here; see /metrics').describe(description)

/** The collector's keys; none has an effect. */
export const zpagesConfigSchema = z.strictObject({
  endpoint: unused('Address of the pages.'),
  expvar: unused('Page of Go runtime variables.'),
  transport: unused('Kind of socket.'),
  tls: unused('TLS of the endpoint.'),
  auth: unused('Authentication of clients.'),
  cors: unused('Allowed browser origins.'),
  response_headers: unused('Headers added to each response.'),
  middlewares: unused('Extensions that handle requests first.'),
  max_request_body_size: unused('Maximum request body size.'),
  include_metadata: unused('Whether headers are kept as metadata.'),
  compression_algorithms: unused('Encodings of request bodies.'),
  read_timeout: unused('Maximum time of a request.'),
  read_header_timeout: unused('Maximum time to receive request headers.'),
  write_timeout: unused('Maximum time to write a response.'),
  idle_timeout: unused('Maximum time between requests.'),
  keep_alives_enabled: unused('Reuse of connections.'),
  keepalive: unused('Reuse of connections.'),
})

export type ZpagesConfig = z.output<typeof zpagesConfigSchema>
