import type * as z from 'zod'
import { aliasConflicts } from '../../../config/schema/aliases.ts'
import { explainIssue, flattenIssue, type Issue } from '../../../config/check/explain-issue.ts'
import {
  holdsSecret,
  type Schema,
  type SchemaView,
  viewsAlong,
  viewSchema,
} from '../../../config/schema/schema-view.ts'
import { hint } from '../../../config/suggest.ts'
import type { CredentialProvider } from '../../../aws/credentials/credentials.ts'
import { type Config, configSchema } from '../config.ts'
import { kindOf, type LineOptions, readLineOptions } from './lines/line-options.ts'
import type { RewriteOptions } from './lines/rewrite-records.ts'
import { isSeverityLevel, SEVERITIES, type SeverityLevel } from './lines/severity-levels.ts'
import { type CamelCased, optionName, withOptionNames } from './option-names.ts'
import { metadataUses } from '../settings/destination-rules.ts'

/** The batch processor has already batched; this only joins exports of the same moment. */
const DEFAULT_FLUSH_INTERVAL = '10ms'

/** Options of the library only. */
export interface OwnOptions extends LineOptions {
  /** Threshold: trace, debug, info, warn, error or fatal. Records without a severity pass. Default: all. */
  readonly level?: SeverityLevel | undefined
  /** Maximum bytes of records in memory. Default 64 MiB; with a full buffer, `export` fails at once. */
  readonly maxBufferBytes?: number
  /** Maximum duration of `forceFlush` and `shutdown`, ms. Default 25,000. */
  readonly flushTimeoutMillis?: number
  /** Returns credentials, again when they expire: for example the AWS SDK's `fromSSO()`. Default: the SDK's chain. */
  readonly credentialProvider?: CredentialProvider
}

export interface ReadOptions {
  readonly config: Config
  readonly own: OwnOptions
  /** Changes to records before they are written; undefined if there are none. */
  readonly rewrite: RewriteOptions | undefined
  /** Options that are accepted without effect, each with the reason. */
  readonly warnings: readonly string[]
}

/** YAML keys that need a disk. */
const DAEMON_KEYS: ReadonlySet<string> = new Set(['storage', 'dead_letters'])

const OWN_NAMES = ['maxBufferBytes', 'flushTimeoutMillis', 'credentialProvider', 'level', 'format', 'metadata'] as const

const EXPORTER = 'CloudWatchLogRecordExporter'

interface Findings {
  readonly ownNames: readonly string[]
  readonly problems: string[]
  readonly warnings: string[]
}

/**
 * Checks an application's options, also from JavaScript.
 * @param owner the class whose options these are, for messages
 * @param more names of options that the owner has read already, for suggestions
 * @throws Error naming each wrong option by its library name, and what to write instead
 */
export function readOptions(options: unknown, owner = EXPORTER, more: readonly string[] = []): ReadOptions {
  if (!isObject(options))
    throw new Error(`${owner}: options are ${typeof options}: write { logGroupName, logStreamName }`)
  const findings: Findings = { problems: [], warnings: [], ownNames: [...OWN_NAMES, ...more] }
  const own = readOwn(options, findings.problems)
  const rewrite = readRewrite(options, findings.problems)
  const ownNames: ReadonlySet<string> = new Set(OWN_NAMES)
  const rest = Object.fromEntries(Object.entries(options).filter(([name]) => !ownNames.has(name)))
  const written = yamlInput(rest, viewSchema(configSchema), [], findings)
  refuseDaemonOptions(written, findings.problems)
  for (const { alias, target } of aliasConflicts(configSchema, written))
    findings.problems.push(
      `${camelPath(alias)}: is another name of ${camelPath(target)}, which is written too: remove one of them`,
    )
  const input: Record<string, unknown> = { flush_interval: DEFAULT_FLUSH_INTERVAL, ...written }
  if (rewrite?.format !== undefined) input['raw_log'] = true
  // A misspelled option is also missing under its right name: that would report it twice.
  const result = configSchema.safeParse(input, { reportInput: true, error: () => '' })
  if (findings.problems.length === 0)
    for (const issue of result.error?.issues.flatMap(flattenIssue) ?? []) findings.problems.push(explain(issue))
  if (result.success) refuseMetadata(result.data, findings.problems)
  if (result.success && result.data.credentials !== undefined && own.credentialProvider !== undefined)
    findings.problems.push('credentials and credentialProvider cannot both be set: remove one')
  if (!result.success || findings.problems.length > 0) throw wrongOptions(owner, findings.problems)
  return { config: result.data, own, rewrite, warnings: findings.warnings }
}

function wrongOptions(owner: string, problems: readonly string[]): Error {
  const list = problems.length === 1 ? ` ${problems[0]}` : problems.map((problem) => `\n- ${problem}`).join('')
  return new Error(`${owner}:${list}`)
}

function readRewrite(options: Readonly<Record<string, unknown>>, problems: string[]): RewriteOptions | undefined {
  const { level, format, metadata } = options
  const lines = readLineOptions(options, problems)
  if (level !== undefined && !isSeverityLevel(level))
    problems.push(`level: ${kindOf(level)} is not a severity: write one of ${Object.keys(SEVERITIES).join(', ')}`)
  if (level === undefined && format === undefined && (metadata === undefined || metadata === 'all')) return undefined
  return { level: isSeverityLevel(level) ? level : undefined, ...lines }
}

function readOwn(options: Readonly<Record<string, unknown>>, problems: string[]): OwnOptions {
  for (const name of ['maxBufferBytes', 'flushTimeoutMillis']) {
    const value = options[name]
    if (value !== undefined && !(Number.isSafeInteger(value) && Number(value) > 0))
      problems.push(`${name}: ${shown(value)} is not a whole number above 0: write one`)
  }
  const { credentialProvider } = options
  if (credentialProvider !== undefined && typeof credentialProvider !== 'function')
    problems.push(
      `credentialProvider: ${typeof credentialProvider} is not a function: write one that returns a promise of credentials, such as fromSSO() of @aws-sdk/credential-providers; fixed keys are credentials`,
    )
  if (typeof options.credentials === 'function')
    problems.push('credentials: a function is not fixed keys: write credentialProvider for it')
  return options
}

/** Converts the options to YAML keys; reports each unknown one with its path. */
function yamlInput(
  options: Readonly<Record<string, unknown>>,
  view: SchemaView,
  path: readonly string[],
  findings: Findings,
): Record<string, unknown> {
  const known = new Map([...view.keys].map(([key, schema]) => [optionName(key), { key, schema }]))
  const input: Record<string, unknown> = {}
  for (const [name, value] of Object.entries(options)) {
    if (value === undefined) continue
    const place = [...path, name].join('.')
    const option = known.get(name)
    if (option === undefined) {
      findings.problems.push(
        `${place} ${unknownOption(name, view, path.length === 0 ? findings.ownNames : [], offeredIn(view))}`,
      )
      continue
    }
    const reason = viewSchema(option.schema).meta.status === 'accepted' && viewSchema(option.schema).meta.reason
    if (typeof reason === 'string') findings.warnings.push(`${place} has no effect: ${withOptionNames(reason)}`)
    input[option.key] = yamlValue(value, option.schema, [...path, name], findings)
  }
  return input
}

function yamlValue(value: unknown, schema: Schema, path: readonly string[], findings: Findings): unknown {
  const view = viewSchema(schema)
  const { items } = view
  if (Array.isArray(value) && items !== undefined)
    return value.map((item: unknown, place) => yamlValue(item, items, [...path, String(place)], findings))
  // Maps such as tags have the user's keys.
  return isObject(value) && view.keys.size > 0 ? yamlInput(value, view, path, findings) : value
}

function unknownOption(name: string, view: SchemaView, own: readonly string[], names: readonly string[]): string {
  if (view.keys.has(name)) return `is the YAML's name: write ${optionName(name)}`
  const camel = optionName(name)
  if (own.some((each) => each === camel)) return `is not an option: write ${camel}`
  return `is not an option${hint(name, [...names, ...own])}`
}

/** Options worth suggesting: those that have an effect in the library. */
function offeredIn(view: SchemaView): string[] {
  const offered = [...view.keys].filter(
    ([key, schema]) => viewSchema(schema).meta.status !== 'accepted' && !DAEMON_KEYS.has(key),
  )
  return offered.map(([key]) => optionName(key))
}

/** Rejects placeholders that only requests can fill. */
function refuseMetadata(config: Config, problems: string[]): void {
  for (const { key, name } of metadataUses(config))
    problems.push(`${optionName(key)} uses metadata.${name}: only requests to the daemon have metadata: remove it`)
}

/** Rejects options that need a disk, and so the daemon. */
function refuseDaemonOptions(input: Readonly<Record<string, unknown>>, problems: string[]): void {
  const within = (key: string, inner: string) => {
    const map = input[key]
    return isObject(map) ? map[inner] : undefined
  }
  if (within('sending_queue', 'storage') !== undefined)
    problems.push('sendingQueue.storage: only the daemon has storage extensions: remove it')
  if (input.dead_letters !== undefined) problems.push('deadLetters: only the daemon keeps dead letters: remove it')
  const full = input.on_lane_full
  if (full === 'park' || full === 'dead_letter')
    problems.push(`onLaneFull: ${full} keeps records on disk, which only the daemon does: write reject or refuse`)
  if (input.on_oversize === 'dead_letter')
    problems.push(
      'onOversize: dead_letter keeps records on disk, which only the daemon does: write truncate, split, drop or reject',
    )
  if (within('late_events', 'policy') === 'dead_letter')
    problems.push(
      'lateEvents.policy: dead_letter keeps records on disk, which only the daemon does: write reject, clamp or divert',
    )
}

/** YAML terms in messages, and the JavaScript ones. */
const IN_JAVASCRIPT: readonly (readonly [string, string])[] = [
  [': write its keys, each on a line of its own, further to the right', ''],
  [': put quotes around it', ''],
  [': write [a, b], or one - for each item', ': write [a, b]'],
  [' is not a map', ' is not an object'],
  [' is not a list', ' is not an array'],
  ['this map', 'this object'],
  ['this list', 'this array'],
]

/** The start of a message whose subject is the option, not its value. */
const VERB = /^(?:is|has|works|lets|keeps|cannot) /

function explain(issue: Issue): string {
  const path = issue.path.map(String)
  const views = viewsAlong(
    configSchema,
    issue.path.filter((part) => typeof part !== 'symbol'),
  )
  const view = views.length > path.length ? views.at(-1) : undefined
  // A string instead of an object that holds a secret: `credentials: 'id:secret'`.
  const misplaced = view !== undefined && typeof issue.input === 'string' && holdsSecret(view)
  const secret = misplaced || views.some(({ meta }) => meta.secret === true)
  let text = explainIssue(issue, secret, view?.meta.description)
  for (const [yaml, javascript] of IN_JAVASCRIPT) text = text.replace(yaml, javascript)
  const colon = VERB.test(text) ? '' : ':'
  return `${camelPath(path)}${colon} ${withOptionNames(text)}`
}

function camelPath(path: readonly string[]): string {
  return path.map(optionName).join('.')
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function shown(value: unknown): string {
  return typeof value === 'number' ? String(value) : typeof value
}

type Yaml = z.input<typeof configSchema>

/** The YAML keys that an application may set: all except those that need a disk. */
export type YamlOptions = Omit<Yaml, 'dead_letters' | 'sending_queue'> & {
  readonly sending_queue?: Omit<NonNullable<Yaml['sending_queue']>, 'storage'> | undefined
}

/**
 * Options of the exporter: every key of the `awscloudwatchlogs` exporter's YAML, in camel case, with the same values and
 * defaults (`logGroupName`, `region`, `retryOnFailure: { maxElapsedTime: '5m' }`) except those that need a disk, and the
 * library's own.
 */
export type ExporterOptions = CamelCased<YamlOptions> & OwnOptions
