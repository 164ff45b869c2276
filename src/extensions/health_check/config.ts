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
const V2 = 'the keys of the second version come with component status; write endpoint, path and response_body'

/** The collector's keys and defaults. */
export const healthCheckConfigSchema = z.strictObject({
  endpoint: endpoint().prefault('localhost:13133').describe('Where to answer, host:port.'),
  path: z
    .string()
    .startsWith('/', 'has to start with /')
    .default('/')
    .describe('Path that is answered, exactly; `/` answers every path.'),
  response_body: z
    .strictObject({
      healthy: z.string().default('').describe('Body of a 200.'),
      unhealthy: z.string().default('').describe('Body of a 503.'),
    })
    .optional()
    .describe('Bodies instead of the JSON one.'),
  check_collector_pipeline: acceptedWithoutEffect(
    z.strictObject({
      enabled: z.boolean().optional().describe('Whether failing exporters make the daemon unhealthy.'),
      interval: duration().optional().describe('Time over which failures are counted.'),
      exporter_failure_threshold: z.int().positive().optional().describe('Failures in that time.'),
    }),
    'it does not work in the collector either; a destination that fails is in /metrics',
  ).describe('Health by failures of exporters.'),
  transport: acceptedWithoutEffect(z.literal('tcp'), 'it is always tcp').describe('Kind of socket.'),
  tls: notYet(z.unknown(), 'remove it; put the endpoint on loopback or inside the pod').describe(
    'TLS of the endpoint.',
  ),
  auth: notYet(z.unknown(), 'remove it; put the endpoint on loopback or inside the pod').describe('Who may ask.'),
  cors: notYet(z.unknown(), 'remove it').describe('Origins of browsers that may ask.'),
  response_headers: notYet(z.unknown(), 'remove it').describe('Headers added to each answer.'),
  middlewares: notYet(z.unknown(), 'remove it').describe('Extensions that handle requests first.'),
  max_request_body_size: acceptedWithoutEffect(z.unknown(), NO_BODIES).describe('Largest request body.'),
  include_metadata: acceptedWithoutEffect(z.boolean(), NO_BODIES).describe('Whether headers are kept as metadata.'),
  compression_algorithms: acceptedWithoutEffect(z.unknown(), NO_BODIES).describe('Encodings of request bodies.'),
  read_timeout: acceptedWithoutEffect(duration(), 'Node limits the time of a request').describe('Time for a request.'),
  read_header_timeout: acceptedWithoutEffect(duration(), 'Node limits the time of the headers').describe(
    'Time for the headers of a request.',
  ),
  write_timeout: acceptedWithoutEffect(duration(), 'an answer is one packet').describe('Time for an answer.'),
  idle_timeout: acceptedWithoutEffect(duration(), 'Node closes idle connections').describe('Time without a request.'),
  keep_alives_enabled: acceptedWithoutEffect(z.boolean(), 'connections are kept').describe(
    'Whether connections are kept.',
  ),
  keepalive: acceptedWithoutEffect(z.unknown(), 'connections are kept').describe('Whether connections are kept.'),
  use_v2: notYet(z.literal(true), V2).describe('The second version of the extension.'),
  http: notYet(z.unknown(), V2).describe('Endpoint of the second version.'),
  grpc: notYet(z.unknown(), V2).describe('gRPC endpoint of the second version.'),
  component_health: notYet(z.unknown(), V2).describe('What makes the second version unhealthy.'),
})

export type HealthCheckConfig = z.output<typeof healthCheckConfigSchema>
