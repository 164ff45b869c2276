// What the parent and its workers say to each other.
//
//   parent                                   worker
//     ◀── config ──   ── config ──▶            once: the files it was read from
//     ◀── started | failed ──────────────────  once
//     ◀── obstacle ──────────────────────────  when it changes
//     ── read ──▶   ◀── reading ─────────────  for /metrics and /ledger
//     ◀── want ──   ── turn ──▶   ◀── done ──  `Siblings.once`
//     ◀── news ──   ── news ──▶                to all the others
//     ◀── ended ─────────────────────────────  its account, as its last word

import type { News } from '../component/siblings.ts'
import type { Accounts, Report } from '../service/readings.ts'
import type { Family } from '../telemetry/registry.ts'

/** What a worker has to tell when it is asked. */
export interface Reading {
  readonly families: readonly Family[]
  readonly report: Report
}

/** As `Outside.files`. */
export type Files = readonly (readonly [path: string, text: string])[]

/** As `Siblings.ports`, for those that start later. */
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
  | { readonly kind: 'ended'; readonly accounts: Accounts }

export type ToWorker =
  | { readonly kind: 'config'; readonly files: Files }
  | { readonly kind: 'read'; readonly id: number }
  /** @property done another process has done it; else it is this one's turn */
  | { readonly kind: 'turn'; readonly name: string; readonly done: boolean }
  | { readonly kind: 'news'; readonly news: News }

/** What a worker that is born finds in the variable `BIRTH`. */
export interface Birth {
  readonly ports: Ports
  /** Of accounts that tell everybody to wait. */
  readonly news: readonly News[]
}

export const BIRTH = 'OTLP_CLOUDWATCH_WORKER'
