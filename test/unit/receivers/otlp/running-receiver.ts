import { expect, onTestFinished } from 'vitest'
import { ByteBudget } from '../../../../src/component/byte-budget.ts'
import { ALONE } from '../../../../src/component/siblings.ts'
import type { Component } from '../../../../src/component/component.ts'
import { accepted, type Answer, type LogsConsumer, type LogsRequest } from '../../../../src/component/consumer.ts'
import type { Outcome } from '../../../../src/accounting/outcome.ts'
import { countRecords } from '../../../../src/otlp/check.ts'
import { decodeLogs, type LogRecord } from '../../../../src/otlp/logs.ts'
import { otlpReceiver } from '../../../../src/receivers/otlp/index.ts'
import type { OtlpReceiver } from '../../../../src/receivers/otlp/receiver.ts'
import type { Fields, Logger } from '../../../../src/telemetry/logger.ts'
import type { Emit, MetricsRegistry } from '../../../../src/telemetry/metrics.ts'
import { MalformedProtobuf } from '../../../../src/wire/protobuf-reader.ts'
import { ProtobufWriter } from '../../../../src/wire/protobuf-writer.ts'

/** A pipeline that keeps its requests and answers as configured. */
export class RecordingConsumer implements LogsConsumer {
  readonly requests: (Omit<LogsRequest, 'bytes'> & { bytes: Uint8Array })[] = []
  /** What requests are answered with; accepted if they are well-formed, unless a test says otherwise. */
  outcome: Outcome | undefined
  /** Answers that are held back. */
  readonly held: Answer[] = []
  hold = false

  consume(request: LogsRequest, answer: Answer): void {
    this.requests.push({ ...request, bytes: Uint8Array.from(request.bytes) })
    if (this.hold) this.held.push(answer)
    else answer(this.outcome ?? judge(request.bytes))
  }

  get records(): LogRecord[] {
    return this.requests.flatMap(({ bytes }) =>
      decodeLogs(bytes).flatMap(({ scopeLogs }) => scopeLogs.flatMap(({ logRecords }) => logRecords)),
    )
  }

  get bodies(): unknown[] {
    return this.records.map(({ body }) => body)
  }
}

function judge(bytes: Uint8Array): Outcome {
  try {
    return accepted(countRecords(bytes))
  } catch (error) {
    if (!(error instanceof MalformedProtobuf)) throw error
    return { kind: 'refused', cause: 'malformed', message: error.message }
  }
}

export interface LogLine {
  readonly level: string
  readonly message: string
  readonly fields: Fields | undefined
}

class RecordingLogger implements Logger {
  readonly lines: LogLine[] = []
  readonly #write = (level: string) => (message: string, fields?: Fields) => {
    this.lines.push({ level, message, fields })
  }
  readonly debug = this.#write('debug')
  readonly info = this.#write('info')
  readonly warn = this.#write('warn')
  readonly error = this.#write('error')
  child(): Logger {
    return this
  }
}

export interface Running {
  readonly receiver: OtlpReceiver
  readonly next: RecordingConsumer
  readonly budget: ByteBudget
  readonly log: readonly LogLine[]
  readonly http: number
  readonly grpc: number
  /** Samples of one metric as `labels value`. */
  readonly metric: (name: string) => string[]
}

/**
 * Starts the receiver as the daemon would, on ports of the system's choice, and stops it when the test is over.
 * @param protocols as in the YAML; endpoints may be left out
 * @param extensions that run beside it, by id
 */
export async function runReceiver(
  protocols: Record<string, Record<string, unknown>> = { grpc: {}, http: {} },
  budgetBytes = 256 * 1024 * 1024,
  extensions: Readonly<Record<string, Component>> = {},
): Promise<Running> {
  const next = new RecordingConsumer()
  const budget = new ByteBudget(budgetBytes)
  const logger = new RecordingLogger()
  const collectors: ((emit: Emit) => void)[] = []
  const metrics: MetricsRegistry = {
    register: (_, collect) => {
      collectors.push(collect)
      return () => collectors.splice(collectors.indexOf(collect), 1)
    },
  }
  const withEndpoints = Object.entries(protocols).map(([name, keys]) => [name, { endpoint: '127.0.0.1:0', ...keys }])
  const receiver = otlpReceiver.create(
    {
      id: { type: 'otlp', name: '' },
      config: otlpReceiver.config.parse({ protocols: Object.fromEntries(withEndpoints) }),
      logger,
      metrics,
      budget,
      build: { name: 'test', version: '0' },
      siblings: ALONE,
    },
    next,
  ) as OtlpReceiver
  onTestFinished(() => receiver.shutdown(AbortSignal.abort()))
  await receiver.start({ extension: (id) => extensions[id], fatal: (error) => expect.fail(error.message) })
  const metric = (name: string): string[] => {
    const samples: string[] = []
    const emit: Emit = (sample, labels, value) => {
      if (sample.name === name) samples.push(`${Object.values(labels).join(' ')} ${value}`)
    }
    for (const collect of collectors) collect(emit)
    return samples
  }
  return {
    receiver,
    next,
    budget,
    log: logger.lines,
    http: receiver.port('http') ?? 0,
    grpc: receiver.port('grpc') ?? 0,
    metric,
  }
}

/** A request of records with these texts as bodies. */
export function logsOf(...texts: string[]): Buffer<ArrayBuffer> {
  const writer = new ProtobufWriter()
  const resourceLogs = writer.begin(1)
  const scopeLogs = writer.begin(2)
  for (const text of texts) {
    const record = writer.begin(2)
    const body = writer.begin(5)
    writer.string(1, text)
    writer.end(body)
    writer.end(record)
  }
  writer.end(scopeLogs)
  writer.end(resourceLogs)
  return Buffer.from(writer.view())
}

/** The same in JSON. */
export function jsonOf(...texts: string[]): string {
  const logRecords = texts.map((text) => ({ body: { stringValue: text } }))
  return JSON.stringify({ resourceLogs: [{ scopeLogs: [{ logRecords }] }] })
}

/** Waits until `condition` holds; the bound is for a machine that is slow, not for the condition. */
export async function until(condition: () => boolean, what: string): Promise<void> {
  const end = performance.now() + 20_000
  while (!condition()) {
    if (performance.now() > end) throw new Error(`waited in vain until ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}
