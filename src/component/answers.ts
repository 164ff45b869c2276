import type { RefusedCause, RetryCause } from '../accounting/outcome.ts'

// The only table from causes to gRPC codes and HTTP statuses.
// OTLP 1.11 lets a client retry only on UNAVAILABLE and on 429, 502, 503, 504; every other answer makes it drop the
// request, so an outcome of kind `retry` must never get one.

/** The codes of google.rpc.Code used in answers. */
export const GRPC_CODES = {
  OK: 0,
  INVALID_ARGUMENT: 3,
  DEADLINE_EXCEEDED: 4,
  PERMISSION_DENIED: 7,
  RESOURCE_EXHAUSTED: 8,
  ABORTED: 10,
  UNIMPLEMENTED: 12,
  INTERNAL: 13,
  UNAVAILABLE: 14,
  UNAUTHENTICATED: 16,
} as const
export type GrpcCode = (typeof GRPC_CODES)[keyof typeof GRPC_CODES]

export interface WireStatus {
  readonly grpc: GrpcCode
  readonly http: number
}

// 503 and not 429 for all of them: this server cannot take more, from any client. The collector does the same.
const TRY_AGAIN: WireStatus = { grpc: GRPC_CODES.UNAVAILABLE, http: 503 }

/** A `retry` carries its delay: RetryInfo in gRPC, Retry-After in HTTP. A `refused` never does. */
export const ANSWERS: Readonly<Record<RetryCause | RefusedCause, WireStatus>> = {
  budget_full: TRY_AGAIN,
  storage_full: TRY_AGAIN,
  storage_failed: TRY_AGAIN,
  lane_full: TRY_AGAIN,
  not_delivered: TRY_AGAIN,
  not_ready: TRY_AGAIN,
  shutting_down: TRY_AGAIN,
  auth_unavailable: TRY_AGAIN,
  malformed: { grpc: GRPC_CODES.INVALID_ARGUMENT, http: 400 },
  too_large: { grpc: GRPC_CODES.RESOURCE_EXHAUSTED, http: 413 },
  unsupported_media_type: { grpc: GRPC_CODES.UNIMPLEMENTED, http: 415 },
  // RFC 9110, 15.5.16: 415 also covers content codings. (The collector answers 400.)
  unsupported_encoding: { grpc: GRPC_CODES.UNIMPLEMENTED, http: 415 },
  unauthenticated: { grpc: GRPC_CODES.UNAUTHENTICATED, http: 401 },
  permission_denied: { grpc: GRPC_CODES.PERMISSION_DENIED, http: 403 },
  not_logs: { grpc: GRPC_CODES.UNIMPLEMENTED, http: 404 },
  // The causes of http_json.
  invalid: { grpc: GRPC_CODES.INVALID_ARGUMENT, http: 422 },
  key_reused: { grpc: GRPC_CODES.INVALID_ARGUMENT, http: 422 },
  key_in_flight: { grpc: GRPC_CODES.ABORTED, http: 409 },
}
