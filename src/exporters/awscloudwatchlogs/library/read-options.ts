import type * as z from 'zod'
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
import { optionName, withOptionNames } from './option-names.ts'

/** The batch processor in front has batched already; this only joins what comes at the same moment. */
const DEFAULT_FLUSH_INTERVAL = '10ms'

/** Options that only the library has. */
export interface OwnOptions {
  /** Bytes of records that may wait in memory. Default 64 MiB; a full buffer fails `export` at once. */
  readonly maxBufferBytes?: number
  /** ms `forceFlush` and `shutdown` may take. Default 25,000. */
  readonly flushTimeoutMillis?: number
  /** Gives credentials, and newer ones when they expire: one of the AWS SDK's `fromSSO()` and the like. Default: its chain. */
  readonly credentialProvider?: CredentialProvider
}

export interface ReadOptions {
  readonly config: Config
  readonly own: OwnOptions
  /** Options that are taken and have no effect, each with the reason. */
  readonly warnings: readonly string[]
}

/** Keys of the YAML that mean nothing without a disk. */
const DAEMON_KEYS: ReadonlySet<string> = new Set(['storage', 'dead_letters'])

const OWN_NAMES = ['maxBufferBytes', 'flushTimeoutMillis', 'credentialProvider'] as const

interface Findings {
  readonly problems: string[]
  readonly warnings: string[]
}

/**
 * Checks what an application wrote, TypeScript or not.
 * @throws Error naming each option that is wrong, by the library's name of it, and what to write instead
 */
export function readOptions(options: unknown): ReadOptions {
  if (!isObject(options))
    throw new Error(`CloudWatchLogRecordExporter: options are ${typeof options}: write { logGroupName, logStreamName }`)
  const findings: Findings = { problems: [], warnings: [] }
  const own = readOwn(options, findings.problems)
  const { maxBufferBytes: _, flushTimeoutMillis: __, credentialProvider: ___, ...rest } = options
  const input = { flush_interval: DEFAULT_FLUSH_INTERVAL, ...yamlInput(rest, viewSchema(configSchema), [], findings) }
  refuseDaemonOptions(input, findings.problems)
  // An option with a wrong name is missing under its right one: that would be the same fault twice.
  const result = configSchema.safeParse(input, { reportInput: true, error: () => '' })
  if (findings.problems.length === 0)
    for (const issue of result.error?.issues.flatMap(flattenIssue) ?? []) findings.problems.push(explain(issue))
  if (result.success && result.data.credentials !== undefined && own.credentialProvider !== undefined)
    findings.problems.push('credentials and credentialProvider exclude each other: leave one out')
  if (!result.success || findings.problems.length > 0) throw wrongOptions(findings.problems)
  return { config: result.data, own, warnings: findings.warnings }
}

function wrongOptions(problems: readonly string[]): Error {
  const list = problems.length === 1 ? ` ${problems[0]}` : problems.map((problem) => `\n- ${problem}`).join('')
  return new Error(`CloudWatchLogRecordExporter:${list}`)
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

/** The keys as the YAML has them; each wrong one is told, by its place. */
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
      findings.problems.push(`${place} ${unknownOption(name, view, path, offeredIn(view))}`)
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
  // Tags and the like have keys of the user's own.
  return isObject(value) && view.keys.size > 0 ? yamlInput(value, view, path, findings) : value
}

function unknownOption(name: string, view: SchemaView, path: readonly string[], names: readonly string[]): string {
  if (view.keys.has(name)) return `is the YAML's name: write ${optionName(name)}`
  const own = path.length === 0 ? OWN_NAMES : []
  const camel = optionName(name)
  if (own.some((each) => each === camel)) return `is not an option: write ${camel}`
  return `is not an option${hint(name, [...names, ...own])}`
}

/** What is worth suggesting: not what has no effect, or needs the daemon. */
function offeredIn(view: SchemaView): string[] {
  const offered = [...view.keys].filter(
    ([key, schema]) => viewSchema(schema).meta.status !== 'accepted' && !DAEMON_KEYS.has(key),
  )
  return offered.map(([key]) => optionName(key))
}

/** What needs a disk, and with it the daemon. */
function refuseDaemonOptions(input: Readonly<Record<string, unknown>>, problems: string[]): void {
  const within = (key: string, inner: string) => {
    const map = input[key]
    return isObject(map) ? map[inner] : undefined
  }
  if (within('sending_queue', 'storage') !== undefined)
    problems.push('sendingQueue.storage: only the daemon has storages: remove it')
  if (input.dead_letters !== undefined) problems.push('deadLetters: only the daemon keeps dead letters: remove it')
  const full = input.on_lane_full
  if (full === 'park' || full === 'dead_letter')
    problems.push(`onLaneFull: ${full} keeps records on disk, which only the daemon does: write reject or refuse`)
  if (within('late_events', 'policy') === 'dead_letter')
    problems.push(
      'lateEvents.policy: dead_letter keeps records on disk, which only the daemon does: write reject, clamp or divert',
    )
}

/** YAML's words for kinds of value, and what to do about them, in JavaScript's. */
const IN_JAVASCRIPT: readonly (readonly [string, string])[] = [
  [': write its keys, each on a line of its own, further to the right', ''],
  [': put quotes around it', ''],
  [': write [a, b], or one - for each item', ': write [a, b]'],
  [' is not a map', ' is not an object'],
  [' is not a list', ' is not an array'],
  [' is not a text', ' is not a string'],
  ['this map', 'this object'],
  ['this list', 'this array'],
]

/** How a sentence begins that has the option itself for its subject, and not the value. */
const VERB = /^(?:is|has|works|lets|keeps|cannot) /

function explain(issue: Issue): string {
  const path = issue.path.map(String)
  const views = viewsAlong(configSchema, path)
  const view = views.length > path.length ? views.at(-1) : undefined
  // Text in place of an object with a secret in it: `credentials: 'id:secret'`.
  const misplaced = view !== undefined && typeof issue.input === 'string' && holdsSecret(view)
  const secret = misplaced || views.some(({ meta }) => meta.secret === true)
  let text = explainIssue(issue, secret, view?.meta.description)
  for (const [yaml, javascript] of IN_JAVASCRIPT) text = text.replace(yaml, javascript)
  const colon = VERB.test(text) ? '' : ':'
  return `${path.map(optionName).join('.')}${colon} ${withOptionNames(text)}`
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function shown(value: unknown): string {
  return typeof value === 'number' ? String(value) : typeof value
}

type Yaml = z.input<typeof configSchema>

/** The YAML's keys that an application may set: not those that need a disk. */
export type YamlOptions = Omit<Yaml, 'dead_letters' | 'sending_queue'> & {
  readonly sending_queue?: Omit<NonNullable<Yaml['sending_queue']>, 'storage'> | undefined
}
