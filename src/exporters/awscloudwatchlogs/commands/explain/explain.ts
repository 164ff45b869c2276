import { refuse, stopSignal } from '../host.ts'
import {
  type CommandHost,
  defineComponentCommand,
  type ExitCode,
  type Pipeline,
} from '../../../../component/command.ts'
import { TextTooLong } from '../../../../wire/json-text.ts'
import { tooLarge } from '../../refusals.ts'
import type { Config } from '../../config.ts'
import { selectExporters, TYPE } from '../find-exporters.ts'
import { decodeInput, type Format, FORMATS } from './decode-input.ts'
import { type ExplainedRecord, ExporterExplainer, NOT_KEPT } from './explain-record.ts'
import { type Price, priceOf } from './prices.ts'
import { classAdvice, isEmf, printJson, printPipeline, printText } from './print.ts'
import { readInput } from './read-input.ts'
import { singleRecords } from './single-records.ts'

const DEFAULT_RECORDS = 100
const PROGRESS_EVERY_MS = 2_000

export const command = defineComponentCommand({
  description: `Shows what the config does with log records: their group, stream, message, size and cost, or what rejects them and why.

FILE has OTLP logs: requests in JSON (one, or one a line), a request in protobuf, log records in JSON, or lines of text, each
the body of a record. Without FILE, or with -, it is stdin. The records go through the code of the daemon; nothing is sent,
and no AWS credentials are needed. Senders that a tenant restricts may be refused more than is shown.

The exit code is 0 for everything that could be explained, a rejection included, and 2 for input or a config that is wrong.`,
  argument: 'FILE',
  options: {
    format: {
      type: 'string',
      value: 'FORMAT',
      description: `${FORMATS.join(', ')}; default: judged by the first bytes`,
    },
    resource: {
      type: 'string',
      multiple: true,
      value: 'KEY=VALUE',
      description: 'a resource attribute of text or of a record, such as service.name=shop',
    },
    attribute: {
      type: 'string',
      multiple: true,
      value: 'KEY=VALUE',
      description: 'an attribute of each record of text',
    },
    exporter: { type: 'string', value: 'ID', description: 'only this exporter' },
    price: { type: 'string', value: 'USD', description: 'US dollars per GB ingested; default: price_per_gb' },
    limit: { type: 'string', value: 'N', description: `explain the first N records; default ${DEFAULT_RECORDS}` },
    json: { type: 'boolean', description: 'one JSON object for each record and exporter, one a line' },
  },
  async run(values, host) {
    const {
      FILE: file,
      format,
      exporter,
      price,
      limit = String(DEFAULT_RECORDS),
      resource = [],
      attribute = [],
    } = values
    const problem =
      format !== undefined && !isFormat(format)
        ? `--format: ${JSON.stringify(format)} is not a format: write ${FORMATS.join(', ')}`
        : price !== undefined && !/^\d+(?:\.\d+)?$/.test(price)
          ? `--price: ${JSON.stringify(price)} is not a price: write US dollars per GB, such as 0.5`
          : !/^[1-9]\d{0,8}$/.test(limit)
            ? `--limit: ${JSON.stringify(limit)} is not a number of records: write one from 1 on, such as 10`
            : undefined
    if (problem !== undefined) return refuse(problem, host)
    const found = await host.pipelines()
    if (found.kind !== 'found') return 2
    const all = found.pipelines.flatMap(({ exporters }) => exporters)
    if (selectExporters(all, exporter, host) === undefined) return 2

    const stop = stopSignal(host)
    const input = await readInput(file, stop)
    if (input.kind === 'failed') return refuse(input.message, host)
    const added = { resource, record: attribute }
    const decoded = decodeInput(input.bytes, format as Format | undefined, added)
    if (decoded.kind === 'failed') return refuse(decoded.message, host)
    if (format === undefined && decoded.format !== 'json')
      host.err(`read as ${decoded.format}; --format ${FORMATS.join('|')} reads it as something else\n`)
    if (decoded.warning !== '') host.err(`warning to the sender: ${decoded.warning}\n`)
    const explanation: Explanation = {
      request: decoded.request,
      pipelines: found.pipelines,
      budgetBytes: found.budgetBytes,
      exporter,
      price: price === undefined ? undefined : Number(price),
      limit: Number(limit),
      json: values.json === true,
    }
    return explainAll(explanation, host, stop)
  },
})

interface Explanation {
  readonly request: Uint8Array
  readonly pipelines: readonly Pipeline[]
  readonly budgetBytes: number
  readonly exporter: string | undefined
  readonly price: number | undefined
  readonly limit: number
  readonly json: boolean
}

/** An exporter in one of its pipelines. In two of them it gets each record twice, as in the daemon. */
interface End {
  readonly pipeline: string
  readonly explainer: ExporterExplainer
  readonly price: Price
}

async function explainAll(explanation: Explanation, host: CommandHost, signal: AbortSignal): Promise<ExitCode> {
  const { request, limit, json } = explanation
  const nowMs = Date.now()
  if (!json) for (const pipeline of explanation.pipelines) host.out(printPipeline(pipeline))
  const ends = endsOf(explanation).filter(({ pipeline, explainer }) => {
    const refusal = explainer.refusal(request, nowMs)
    if (refusal === undefined) return true
    const facts = { pipeline, exporter: explainer.id, outcome: 'refused', reason: `too_large: ${refusal}` }
    host.out(
      json ? `${JSON.stringify(facts)}\n` : `${pipeline} -> ${explainer.id} refuses the request: ${facts.reason}\n`,
    )
    return false
  })
  const print = json ? printJson : printText
  const counts = { records: 0, sent: 0, emf: 0 }
  let progressAt = performance.now() + PROGRESS_EVERY_MS
  for (const single of singleRecords(request)) {
    if (signal.aborted) return 1
    counts.records++
    if (counts.records > limit) continue
    for (const { pipeline, explainer, price } of ends) {
      const explained = explainOne(explainer, single, nowMs)
      if (explained.outcome === 'event') counts.sent++
      if (explained.message !== undefined && isEmf(explained.message)) counts.emf++
      host.out(print({ record: counts.records, pipeline, exporter: explainer.id, explained, price }))
      await host.outDrained()
    }
    if (performance.now() < progressAt) continue
    host.err(`${counts.records} records explained\n`)
    progressAt += PROGRESS_EVERY_MS
    // Lets a signal in.
    await new Promise(setImmediate)
  }
  if (counts.records === 0) return refuse('FILE: has no log record: write at least one', host)
  if (counts.records > limit)
    host.err(`${limit} of ${counts.records} records are explained; --limit ${counts.records} explains all\n`)
  if (!json) host.out(classAdvice(counts.sent, counts.emf))
  return 0
}

function explainOne(explainer: ExporterExplainer, request: Uint8Array, nowMs: number): ExplainedRecord {
  try {
    return explainer.explain(request, nowMs)
  } catch (error) {
    if (!(error instanceof TextTooLong)) throw error
    const reason = `too_large: ${tooLarge(error).message}`
    return { ...NOT_KEPT, outcome: 'rejected', reason, notes: [] }
  }
}

function endsOf({ pipelines, budgetBytes, exporter, price }: Explanation): End[] {
  const explainers = new Map<string, ExporterExplainer>()
  return pipelines.flatMap(({ name, exporters }) =>
    exporters
      .filter(({ id, type }) => type === TYPE && (exporter === undefined || id === exporter))
      .map((configured) => {
        const known = explainers.get(configured.id)
        const explainer = known ?? new ExporterExplainer(configured, budgetBytes)
        explainers.set(configured.id, explainer)
        const { price_per_gb: configuredPrice, region } = configured.config as Config
        return { pipeline: name, explainer, price: priceOf(price, configuredPrice, region) }
      }),
  )
}

function isFormat(text: string): text is Format {
  return (FORMATS as readonly string[]).includes(text)
}
