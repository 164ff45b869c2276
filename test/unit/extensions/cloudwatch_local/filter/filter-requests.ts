// FilterLogEvents over HTTP against a group of its own: which of some messages a filter pattern matches.
import { afterAll, beforeAll } from 'vitest'
import { callCloudWatch, refusalOf } from '../../../../fakes/call-cloudwatch.ts'
import { startCloudWatchLocal, type CloudWatchLocal } from '../../../../fakes/cloudwatch.ts'

let local: CloudWatchLocal
let streams = 0

/** Starts and stops the server around the tests of a file. */
export function serveFilters(): void {
  beforeAll(async () => {
    local = await startCloudWatchLocal({ quotas: false })
    await call('CreateLogGroup', { logGroupName: 'g' })
  })
  afterAll(() => local.close())
}

const call = (operation: string, request: object) => callCloudWatch(local.url, operation, request)

/** Those of the messages that match, in their order. */
export async function matching(filterPattern: string, messages: readonly string[]): Promise<string[]> {
  return search(filterPattern, await store(messages))
}

/** Puts messages into a stream of their own, one at a time: a put holds 1 MB. Returns its name. */
export async function store(messages: readonly string[]): Promise<string> {
  streams += 1
  const logStreamName = `s${streams}`
  await succeed('CreateLogStream', { logGroupName: 'g', logStreamName })
  const timestamp = Date.now()
  for (const message of messages)
    await succeed('PutLogEvents', { logGroupName: 'g', logStreamName, logEvents: [{ timestamp, message }] })
  return logStreamName
}

/** Those of a stream that match: all pages. */
export async function search(filterPattern: string, logStreamName: string): Promise<string[]> {
  const request = { logGroupName: 'g', logStreamNames: [logStreamName], filterPattern }
  const found: string[] = []
  for (let nextToken: unknown = null; nextToken !== undefined;) {
    const answer = await succeed('FilterLogEvents', { ...request, nextToken })
    found.push(...(answer.events as { readonly message: string }[]).map(({ message }) => message))
    nextToken = answer.nextToken
  }
  return found
}

async function succeed(operation: string, request: object): Promise<Record<string, unknown>> {
  const answer = await call(operation, request)
  if (refusalOf(answer) !== 'ok') throw new Error(refusalOf(answer))
  return answer.body
}

/** Whether a message, which may be given as a JSON value, matches. */
export async function matches(filterPattern: string, message: string | object): Promise<boolean> {
  const text = typeof message === 'string' ? message : JSON.stringify(message)
  return (await matching(filterPattern, [text])).length === 1
}

/** What a pattern is refused with; `ok` if it is not. */
export async function refusal(filterPattern: string): Promise<string> {
  return refusalOf(await call('FilterLogEvents', { logGroupName: 'g', filterPattern }))
}

/** The answer to something else while a search is under way. */
export function describeGroups(): Promise<unknown> {
  return call('DescribeLogGroups', {})
}
