import * as z from 'zod'
import { acceptedWithoutEffect, duration, notYet } from '../../config/schema/fields.ts'
import { parseEndpoint } from '../../listen/socket/endpoint.ts'

function endpoint() {
  return z.string().transform((text, context) => {
    const parsed = parseEndpoint(text, 'tcp')
    if ('endpoint' in parsed) return parsed.endpoint
    context.addIssue(parsed.problem)
    return z.NEVER
  })
}

const NO_BODIES = 'requests have no body here'
const V2 = 'it needs component status; write endpoint, path and response_body'

/** The collector's keys and defaults. */
export const healthCheckConfigSchema = z.strictObject({
  endpoint: endpoint().prefault('localhost:13133').describe('Address to listen on, host:port.'),
  path: z
    .string()
    .startsWith('/', 'has to start with "/": write a path such as /health')
    .default('/')
    .describe('Exact path of the endpoint; `/` matches every path.'),
  response_body: z
    .strictObject({
      healthy: z.string().default('').describe('Body of a 200.'),
      unhealthy: z.string().default('').describe('Body of a 503.'),
    })
    .optional()
    .describe('Bodies that replace the JSON body.'),
  check_collector_pipeline: acceptedWithoutEffect(
    z.strictObject({
      enabled: z.boolean().optional().describe('Whether failing exporters make the daemon unhealthy.'),
      interval: duration().optional().describe('Time over which failures are counted.'),
      exporter_failure_threshold: z.int().positive().optional().describe('Failures in that time.'),
    }),
    'it does not work in the collector either; /metrics shows failing destinations',
  ).describe('Health by exporter failures.'),
  transport: acceptedWithoutEffect(z.literal('tcp'), 'it is always tcp').describe('Kind of socket.'),
  tls: notYet(z.unknown(), 'remove it; put the endpoint on loopback or inside the pod').describe(
    'TLS of the endpoint.',
  ),
  auth: notYet(z.unknown(), 'remove it; put the endpoint on loopback or inside the pod').describe(
    'Authentication of clients.',
  ),
  cors: notYet(z.unknown(), 'remove it').describe('Allowed browser origins.'),
  response_headers: notYet(z.unknown(), 'remove it').describe('Headers added to each response.'),
  middlewares: notYet(z.unknown(), 'remove it').describe('Extensions that handle requests first.'),
  max_request_body_size: acceptedWithoutEffect(z.unknown(), NO_BODIES).describe('Maximum request body size.'),
  include_metadata: acceptedWithoutEffect(z.boolean(), NO_BODIES).describe('Whether headers are kept as metadata.'),
  compression_algorithms: acceptedWithoutEffect(z.unknown(), NO_BODIES).describe('Encodings of request bodies.'),
  read_timeout: acceptedWithoutEffect(duration(), "Node's default limit applies").describe(
    'Maximum time of a request.',
  ),
  read_header_timeout: acceptedWithoutEffect(duration(), "Node's default limit applies").describe(
    'Maximum time to receive request headers.',
  ),
  write_timeout: acceptedWithoutEffect(duration(), 'a response is one packet').describe(
    'Maximum time to write a response.',
  ),
  idle_timeout: acceptedWithoutEffect(duration(), 'Node closes idle connections').describe(
    'Maximum time between requests.',
  ),
  keep_alives_enabled: acceptedWithoutEffect(z.boolean(), 'connections are always reused').describe(
    'Reuse of connections.',
  ),
  keepalive: acceptedWithoutEffect(z.unknown(), 'connections are always reused').describe('Reuse of connections.'),
  use_v2: notYet(z.literal(true), V2).describe('The second version of the extension.'),
  http: notYet(z.unknown(), V2).describe('Endpoint of the second version.'),
  grpc: notYet(z.unknown(), V2).describe('gRPC endpoint of the second version.'),
  component_health: notYet(z.unknown(), V2).describe('Conditions that make the second version unhealthy.'),
})

export type HealthCheckConfig = z.output<typeof healthCheckConfigSchema>
