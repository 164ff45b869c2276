import type { HttpJsonConfig } from './config.ts'
import { LEVELS } from './levels.ts'
import { GROUP_PATTERN, MAX_NAME_LENGTH, STREAM_PATTERN } from './names.ts'

/** The OpenAPI document of this receiver. */
export function openApi(config: HttpJsonConfig, version: string): object {
  const security = config.auth === undefined ? {} : { security: [{ authorization: [] }] }
  return {
    openapi: '3.1.0',
    info: { title: 'otlp-cloudwatch: logs as JSON', version },
    ...security,
    paths: {
      [config.path]: { post: postLogs(config) },
      '/openapi.json': { get: getDocument() },
    },
    components: {
      schemas: { Log: LOG, Queued: QUEUED, Error: ERROR },
      ...(config.auth !== undefined && { securitySchemes: { authorization: AUTHORIZATION } }),
    },
  }
}

const ref = (name: string) => ({ $ref: `#/components/schemas/${name}` })
const json = (schema: object) => ({ 'application/json': { schema } })

/** Every letter in either case: levels are compared without regard to case. */
const LEVEL_PATTERN = `^(${[...LEVELS.keys()].map((level) => level.replaceAll(/[A-Z]/g, (letter) => `[${letter}${letter.toLowerCase()}]`)).join('|')})$`

const LOG = {
  type: 'object',
  required: ['log_group', 'log_stream', 'log_message', 'level'],
  additionalProperties: false,
  properties: {
    log_group: {
      type: 'string',
      minLength: 1,
      maxLength: MAX_NAME_LENGTH,
      pattern: GROUP_PATTERN,
      description: 'Log group; created if it is missing.',
    },
    log_stream: {
      type: 'string',
      minLength: 1,
      maxLength: MAX_NAME_LENGTH,
      pattern: STREAM_PATTERN,
      description: 'Log stream; created if it is missing.',
    },
    log_message: { type: 'string', minLength: 1, description: 'Text of the event.' },
    level: { type: 'string', pattern: LEVEL_PATTERN, description: `${[...LEVELS.keys()].join(', ')}, in any case.` },
  },
} as const

const QUEUED = {
  type: 'object',
  required: ['status'],
  properties: {
    status: { const: 'queued' },
    rejected: { type: 'integer', minimum: 1, description: 'Logs that were not accepted; the others were.' },
    message: { type: 'string', description: 'Why they were not.' },
  },
} as const

const ERROR = {
  type: 'object',
  required: ['code', 'message'],
  properties: {
    code: { type: 'integer', description: 'A google.rpc.Code.' },
    message: { type: 'string', description: 'What is wrong, and what to send instead.' },
    detail: {
      type: 'array',
      description: 'The invalid field of a 422.',
      items: {
        type: 'object',
        required: ['loc', 'msg', 'type'],
        properties: {
          loc: {
            type: 'array',
            items: { type: ['string', 'integer'] },
            description: 'body, the index of the log, the field.',
          },
          msg: { type: 'string' },
          type: { type: 'string' },
        },
      },
    },
    details: { type: 'array', items: { type: 'object' }, description: 'Details of a google.rpc.Status.' },
  },
} as const

const AUTHORIZATION = { type: 'apiKey', in: 'header', name: 'Authorization' } as const

/**
 * Not a parameter: a fuzzer would send one key with many bodies, which is refused by design, and JSON Schema cannot say that.
 */
const KEY_DESCRIPTION =
  'With the header Idempotency-Key (1 to 255 visible ASCII characters, such as a UUID) the logs are accepted once in 24 hours: the same logs with the same key get the same response again, other logs get 422.'

const RETRY_AFTER = { description: 'Seconds to wait.', schema: { type: 'string' } } as const

function errors(descriptions: Readonly<Record<string, string>>): object {
  return Object.fromEntries(
    Object.entries(descriptions).map(([status, description]) => {
      const retries = status === '409' || status === '503'
      return [
        status,
        { description, content: json(ref('Error')), ...(retries && { headers: { 'Retry-After': RETRY_AFTER } }) },
      ]
    }),
  )
}

const COMMON = {
  '400': 'The request is not HTTP, or its body is not JSON, or not in its encoding.',
  '401': 'The credentials are missing or wrong.',
  '403': 'The sender may not write to a log group.',
  '405': 'The method is not supported.',
  '408': 'The request did not arrive in time.',
  '417': 'The expectation is not supported.',
  '431': 'The head of the request is too large.',
  '503': 'There is no room for the logs now: send them again.',
}

function postLogs(config: HttpJsonConfig): object {
  return {
    operationId: 'postLogs',
    summary: 'Queues logs for CloudWatch, all or nothing.',
    description: KEY_DESCRIPTION,
    requestBody: {
      required: true,
      content: {
        ...json({ oneOf: [ref('Log'), { type: 'array', minItems: 1, items: ref('Log') }] }),
        'application/x-ndjson': { schema: { type: 'string', description: 'One Log a line.' } },
      },
    },
    responses: {
      [String(config.status)]: {
        description:
          config.storage === undefined
            ? 'The logs are queued.'
            : 'The logs are queued, on disk where the exporter has a storage.',
        headers: {
          'Idempotency-Replayed': {
            description: 'true if an earlier request was accepted.',
            schema: { type: 'string' },
          },
        },
        content: json(ref('Queued')),
      },
      ...errors({
        ...COMMON,
        '409': 'A request with the same key has no response yet: send it again.',
        '413': 'The body is too large, before or after decompression.',
        '415': 'The content type or encoding is not supported.',
        '422': 'A log is invalid, or the key was used for other logs.',
      }),
    },
  }
}

function getDocument(): object {
  return {
    operationId: 'getOpenApi',
    summary: 'Returns this document.',
    responses: {
      '200': { description: 'The document.', content: json({ type: 'object' }) },
      ...errors(COMMON),
    },
  }
}
