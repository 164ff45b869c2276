import { describe, expect, test } from 'vitest'
import { otlpReceiverSchema } from '../../../../src/receivers/otlp/config.ts'

const parse = (protocols: unknown) => otlpReceiverSchema.parse({ protocols }).protocols

/** `path: message` of each problem. */
function problems(protocols: unknown): string[] {
  const { error } = otlpReceiverSchema.safeParse({ protocols })
  return error?.issues.map(({ path, message }) => `${path.join('.')}: ${message}`) ?? []
}

test('without a key the defaults are those of the collector, and the limits those of OTLP', () => {
  const { grpc, http } = parse({ grpc: {}, http: {} })
  expect(grpc).toMatchObject({
    endpoint: 'localhost:4317',
    transport: 'tcp',
    limitBytes: 67_108_864,
    maxConcurrentStreams: 250,
    include_metadata: false,
    keepalive: { server_parameters: { time: 7_200_000, timeout: 20_000 } },
  })
  expect(http).toMatchObject({
    endpoint: 'localhost:4318',
    logs_url_path: '/v1/logs',
    limitBytes: 67_108_864,
    idleTimeoutMs: 60_000,
    keepConnections: true,
  })
})

test('configured limits are obeyed, and 0 is the default', () => {
  expect(parse({ grpc: { max_recv_msg_size_mib: 4 } }).grpc?.limitBytes).toBe(4 * 1024 * 1024)
  expect(parse({ grpc: { max_recv_msg_size_mib: 0, max_concurrent_streams: 0 } }).grpc).toMatchObject({
    limitBytes: 67_108_864,
    maxConcurrentStreams: 250,
  })
  expect(parse({ http: { max_request_body_size: 20_971_520 } }).http?.limitBytes).toBe(20_971_520)
  expect(parse({ http: { max_request_body_size: '5MiB' } }).http?.limitBytes).toBe(5_242_880)
  expect(parse({ http: { max_request_body_size: 0 } }).http?.limitBytes).toBe(67_108_864)
})

test('every key of the collector is known', () => {
  const tls = {
    cert_file: 'c',
    key_file: 'k',
    ca_file: 'a',
    ca_pem: 'a',
    client_ca_file: 'a',
    client_ca_file_reload: true,
    reload_interval: '1h',
    min_version: '1.2',
    max_version: '1.3',
    cipher_suites: ['TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256'],
    curve_preferences: ['X25519', 'P256'],
    include_system_ca_certs_pool: false,
    include_insecure_cipher_suites: false,
  }
  const grpc = {
    endpoint: '0.0.0.0:4317',
    transport: 'tcp',
    dialer: { timeout: '1s' },
    tls,
    max_recv_msg_size_mib: 4,
    max_concurrent_streams: 16,
    read_buffer_size: 524_288,
    write_buffer_size: 0,
    keepalive: {
      server_parameters: {
        max_connection_idle: '11s',
        max_connection_age: '12s',
        max_connection_age_grace: '13s',
        time: '30s',
        timeout: '5s',
      },
      enforcement_policy: { min_time: '10s', permit_without_stream: true },
    },
    include_metadata: true,
  }
  const http = {
    endpoint: '0.0.0.0:4318',
    transport: 'tcp4',
    tls: { cert_pem: 'c', key_pem: 'k' },
    cors: { allowed_origins: ['*'], allowed_headers: ['*'], exposed_headers: ['a'], max_age: 7200 },
    max_request_body_size: 1,
    include_metadata: true,
    response_headers: { a: 'b' },
    compression_algorithms: ['', 'gzip', 'zstd', 'zlib', 'snappy', 'deflate', 'lz4', 'x-snappy-framed'],
    read_timeout: '1s',
    read_header_timeout: '1s',
    write_timeout: '1s',
    keepalive: { enabled: true, idle_timeout: '1m' },
    idle_timeout: '1m',
    keep_alives_enabled: true,
    traces_url_path: '/t',
    metrics_url_path: '/m',
    logs_url_path: '/l',
  }
  expect(problems({ grpc, http })).toEqual([])
})

describe('problems', () => {
  const cases: [unknown, string][] = [
    [{}, 'protocols: names no protocol: write grpc:, http: or both'],
    [{ grpc: { endpont: 'localhost:1' } }, 'protocols.grpc: Unrecognized key: "endpont"'],
    [{ http: { keepalive: { time: '1s' } } }, 'protocols.http.keepalive: Unrecognized key: "time"'],
    [{ thrift: {} }, 'protocols: Unrecognized key: "thrift"'],
    [
      { grpc: { endpoint: 'localhost' } },
      'protocols.grpc.endpoint: "localhost" is not an address: write host and port, such as localhost:4317, 0.0.0.0:4317 or [::1]:4317',
    ],
    [
      { http: { endpoint: 'http://localhost:4318' } },
      'protocols.http.endpoint: "http://localhost:4318" is not an address: write host and port, such as localhost:4317, 0.0.0.0:4317 or [::1]:4317',
    ],
    [
      { http: { endpoint: 'localhost:70000' } },
      'protocols.http.endpoint: "localhost:70000" is not an address: write host and port, such as localhost:4317, 0.0.0.0:4317 or [::1]:4317',
    ],
    [{ http: { transport: 'unix', endpoint: '' } }, 'protocols.http.endpoint: is empty: write the path of the socket'],
    [{ http: { middlewares: [{ id: 'a' }] } }, 'protocols.http.middlewares: is not supported yet: remove it'],
    [
      { http: { logs_url_path: 'v1/logs' } },
      'protocols.http.logs_url_path: has to start with "/": write a path such as /v1/logs',
    ],
    [
      { grpc: { tls: { cert_file: 'c' } } },
      'protocols.grpc.tls.key_file: is missing: TLS needs a certificate and its key; write key_file or key_pem',
    ],
    [
      { grpc: { tls: { cert_file: 'c', cert_pem: 'c', key_file: 'k' } } },
      'protocols.grpc.tls.cert_pem: cannot be set together with cert_file: write one of them',
    ],
    [
      { grpc: { tls: { cert_file: 'c', key_file: 'k', min_version: '1.3', max_version: '1.2' } } },
      'protocols.grpc.tls.max_version: 1.2 is below min_version 1.3: write 1.3 or more',
    ],
    [
      { grpc: { tls: { cert_file: 'c', key_file: 'k', tpm: { enabled: true } } } },
      'protocols.grpc.tls.tpm: is not supported yet: write cert_file and key_file with a key outside the TPM',
    ],
  ]
  test.each(cases)('%j', (protocols, problem) => expect(problems(protocols)).toContain(problem))
})

test('an empty tls section is no TLS', () => {
  expect(parse({ grpc: { tls: null } }).grpc?.tls).toBeNull()
})
