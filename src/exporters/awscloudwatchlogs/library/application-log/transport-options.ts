import type { Config } from '../../config.ts'
import { kindOf, readLineOptions, type ReadLineOptions } from '../lines/line-options.ts'
import { type ExporterOptions, type OwnOptions, readOptions } from '../read-options.ts'
import { PlainCopier, type PlainMap } from '../lines/plain-value.ts'

/** Options of the winston and pino transports beside those of the exporter. */
export interface TransportOptions extends Omit<ExporterOptions, 'level'> {
  /** Attributes of the resource, for placeholders of `logGroupName` and `logStreamName`, and in JSON events. */
  readonly resource?: Readonly<Record<string, string | number | boolean>> | undefined
  /** Events of one stream that are sent at once, without waiting for `flushInterval`. Default: a full batch. */
  readonly bufferSize?: number | undefined
}

export interface ReadTransportOptions extends ReadLineOptions {
  readonly config: Config
  readonly own: OwnOptions
  readonly warnings: readonly string[]
  readonly resource: PlainMap
}

/** CloudWatchLogRecordExporter sends after 10 ms, because a batch processor is before it; here none is. */
const DEFAULT_FLUSH_INTERVAL = '1s'
/** `level` is read by the transport: its names are those of the logger. */
const NAMES = ['resource', 'bufferSize'] as const

/**
 * @param owner the transport, for messages
 * @throws Error naming each wrong option and what to write instead
 */
export function readTransportOptions(owner: string, options: Readonly<Record<string, unknown>>): ReadTransportOptions {
  const { format, metadata: _, resource, bufferSize, ...rest } = options
  const problems: string[] = []
  const lines = readLineOptions(options, problems)
  if (!isResource(resource))
    problems.push(
      `resource: ${kindOf(resource)} is not an object of strings, numbers and booleans: write { "service.name": "shop" }`,
    )
  const exporterOptions: Record<string, unknown> = { flushInterval: DEFAULT_FLUSH_INTERVAL, ...rest }
  if (format !== undefined) exporterOptions['rawLog'] = true
  if (bufferSize !== undefined) problems.push(...applyBufferSize(bufferSize, exporterOptions))
  if (problems.length > 0) throw new Error(`${owner}: ${problems.join('; ')}`)
  const { config, own, warnings } = readOptions(exporterOptions, owner, NAMES)
  return {
    config,
    own,
    warnings,
    ...lines,
    resource: new PlainCopier().members(resource ?? {}),
  }
}

/** @throws Error if the options are not an object, which JavaScript allows */
export function asOptions<Options extends object>(owner: string, options: Options): Options {
  const given: unknown = options
  if (typeof given === 'object' && given !== null && !Array.isArray(given)) return options
  throw new Error(`${owner}: options are ${kindOf(given)}: write { logGroupName, logStreamName }`)
}

/** The exporter's batch has both thresholds; the first that is reached sends. */
function applyBufferSize(bufferSize: unknown, options: Record<string, unknown>): string[] {
  if (!Number.isSafeInteger(bufferSize) || Number(bufferSize) < 1 || Number(bufferSize) > MAX_BUFFER_SIZE)
    return [`bufferSize: ${shown(bufferSize)} is not a whole number from 1 to ${MAX_BUFFER_SIZE}: write one`]
  const queue = options['sendingQueue'] ?? {}
  if (typeof queue !== 'object' || Array.isArray(queue)) return []
  if ((queue as Readonly<Record<string, unknown>>)['batch'] !== undefined)
    return ['bufferSize and sendingQueue.batch both set the size at which events are sent: remove one of them']
  const batch = { minSize: bufferSize, flushTimeout: options['flushInterval'] }
  options['sendingQueue'] = { ...queue, batch }
  return []
}

/** Events in one PutLogEvents. */
const MAX_BUFFER_SIZE = 10_000

function isResource(value: unknown): value is Readonly<Record<string, unknown>> | undefined {
  if (value === undefined) return true
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false
  return Object.values(value).every((each) => ['string', 'number', 'boolean'].includes(typeof each))
}

function shown(value: unknown): string {
  return typeof value === 'number' ? String(value) : kindOf(value)
}
