// The messages between the parent and its workers.
//
//   parent                                   worker
//     ◀── config ──   ── config ──▶            once: the config files
//     ◀── started | failed ──────────────────  once
//     ◀── obstacle ──────────────────────────  when it changes
//     ── read ──▶   ◀── reading ─────────────  for /metrics and /ledger
//     ◀── want ──   ── turn ──▶   ◀── done ──  `Siblings.once`
//     ◀── news ──   ── news ──▶                to all the others
//     ◀── ended ─────────────────────────────  its record counts, as the last message

import type { News } from '../component/siblings.ts'
import type { LedgerCounts, Report } from '../service/readings.ts'
import type { Family } from '../telemetry/registry.ts'

/** A worker's answer to `read`. */
export interface Reading {
  readonly families: readonly Family[]
  readonly report: Report
}

/** As `Outside.files`. */
export type Files = readonly (readonly [path: string, text: string])[]

/** As `Siblings.ports`, for workers that start later. */
export type Ports = readonly (readonly [listener: string, port: number])[]

export type FromWorker =
  | { readonly kind: 'config' }
  | { readonly kind: 'started'; readonly ports: Ports }
  | { readonly kind: 'failed'; readonly message: string }
  | { readonly kind: 'obstacle'; readonly obstacle: string | undefined }
  | { readonly kind: 'reading'; readonly id: number; readonly reading: Reading }
  | { readonly kind: 'want'; readonly name: string }
  | { readonly kind: 'done'; readonly name: string; readonly done: boolean }
  | { readonly kind: 'news'; readonly news: News }
  | { readonly kind: 'ended'; readonly counts: LedgerCounts }

export type ToWorker =
  | { readonly kind: 'config'; readonly files: Files }
  | { readonly kind: 'read'; readonly id: number }
  /** @property done true: another worker did the work; false: it is this worker's turn */
  | { readonly kind: 'turn'; readonly name: string; readonly done: boolean }
  | { readonly kind: 'news'; readonly news: News }

/** The content of the environment variable `BIRTH` of a new worker. */
export interface Birth {
  readonly ports: Ports
  /** Throttles that still apply. */
  readonly news: readonly News[]
}

export const BIRTH = 'OTLP_CLOUDWATCH_WORKER'
