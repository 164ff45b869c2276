// The files of a new component, for `npm run new`.

export const KINDS = ['receiver', 'processor', 'exporter', 'extension'] as const
export type Kind = (typeof KINDS)[number]

/** Of a component `log_dedup`: its kind, its id, `logDedup` and `LogDedup`. */
export interface Names {
  readonly kind: Kind
  readonly type: string
  readonly camel: string
  readonly pascal: string
}

/** Its place in a config. */
export function exampleOf({ kind, type }: Names): string {
  return `${kind}s:\n  ${type}:\n`
}

export function readmeOf(names: Names): string {
  return `# ${names.type}

Does nothing yet.

\`\`\`yaml
${exampleOf(names)}\`\`\`

<!-- options:begin -->

It has no options.

<!-- options:end -->

Failure behavior: it cannot fail.

Metrics: none of its own.
`
}

export function configOf({ camel, pascal }: Names): string {
  return `import * as z from 'zod'

/** Has no options. */
export const ${camel}ConfigSchema = z.strictObject({})

export type ${pascal}Config = z.output<typeof ${camel}ConfigSchema>
`
}

export function factoryOf({ kind, type, camel, pascal }: Names): string {
  const title = titleOf(kind)
  const work = kind === 'processor' ? `${camel}Shape` : pascal
  const create =
    kind === 'processor'
      ? `  shape: ${camel}Shape,`
      : `  create: (${kind === 'receiver' ? 'settings, next' : 'settings'}) => new ${pascal}(${kind === 'receiver' ? 'settings, next' : 'settings'}),`
  const own = [
    `import { ${camel}ConfigSchema, type ${pascal}Config } from './config.ts'`,
    `import { ${work} } from './${kind}.ts'`,
  ]
  return `import type { ${title}Factory } from '../../component/factory.ts'
${own.join('\n')}

export const ${camel}${title}: ${title}Factory<${pascal}Config> = {
  kind: '${kind}',
  type: '${type}',
  stability: 'development',
  description: 'Does nothing yet.',
  config: ${camel}ConfigSchema,
${create}
}
`
}

export function workOf(names: Names): string {
  switch (names.kind) {
    case 'processor':
      return processor(names)
    case 'receiver':
      return receiver(names)
    case 'exporter':
      return exporter(names)
    case 'extension':
      return extension(names)
  }
}

function processor({ camel, pascal }: Names): string {
  return `import type { PipelineShape } from '../../component/factory.ts'
import type { ${pascal}Config } from './config.ts'

/** Asks nothing of its pipeline yet. */
export function ${camel}Shape(_config: ${pascal}Config): PipelineShape {
  return {}
}
`
}

function receiver({ pascal }: Names): string {
  return `import type { Component, ComponentSettings } from '../../component/component.ts'
import type { LogsConsumer } from '../../component/consumer.ts'
import type { ${pascal}Config } from './config.ts'

/** Receives nothing yet. */
export class ${pascal} implements Component {
  readonly #settings: ComponentSettings<${pascal}Config>
  readonly #next: LogsConsumer

  constructor(settings: ComponentSettings<${pascal}Config>, next: LogsConsumer) {
    this.#settings = settings
    this.#next = next
  }

  /** Opens sockets, timers and files. Hands what it receives to \`consume\` of the next component. */
  async start(): Promise<void> {
    this.#settings.logger.info('receives nothing yet', { next: typeof this.#next.consume })
  }

  /** Stops intake, waits for what is under way until the signal aborts, and closes what \`start\` opened. */
  async shutdown(): Promise<void> {}
}
`
}

function exporter({ pascal }: Names): string {
  return `import { registerLedger } from '../../accounting/ledger-metrics.ts'
import { Ledger } from '../../accounting/ledger.ts'
import type { Refused } from '../../accounting/outcome.ts'
import { NOTHING_REJECTED } from '../../accounting/rejections.ts'
import type { Component } from '../../component/component.ts'
import type { LogsExporter, LogsRequest, Reservation } from '../../component/consumer.ts'
import type { ExporterSettings } from '../../component/factory.ts'
import { formatComponentId } from '../../component/id.ts'
import { countRecords } from '../../otlp/check.ts'
import { MalformedProtobuf } from '../../wire/protobuf-reader.ts'
import type { ${pascal}Config } from './config.ts'

/** Counts records as delivered and drops them. */
export class ${pascal} implements Component, LogsExporter {
  readonly ledger = new Ledger()
  readonly #settings: ExporterSettings<${pascal}Config>
  #unregister: () => void = () => {}

  constructor(settings: ExporterSettings<${pascal}Config>) {
    this.#settings = settings
  }

  async start(): Promise<void> {
    this.#unregister = registerLedger(this.#settings.metrics, formatComponentId(this.#settings.id), this.ledger)
  }

  /** Drains what is queued until the signal aborts, and closes what \`start\` opened. */
  async shutdown(): Promise<void> {
    this.#unregister()
  }

  reserve(request: LogsRequest): Reservation | Refused {
    try {
      return this.#reservation(countRecords(request.bytes))
    } catch (error) {
      if (error instanceof MalformedProtobuf) return { kind: 'refused', cause: 'malformed', message: error.message }
      throw error
    }
  }

  #reservation(records: number): Reservation {
    return {
      kind: 'reserved',
      records,
      rejected: NOTHING_REJECTED,
      warning: '',
      commit: (listener) => {
        this.ledger.receive(records)
        listener.queued(undefined)
        this.ledger.settle({ kind: 'delivered' }, records)
        listener.settled({ kind: 'delivered' }, records)
      },
      release() {},
    }
  }
}
`
}

function extension({ pascal }: Names): string {
  return `import type { Component, ComponentSettings } from '../../component/component.ts'
import type { ${pascal}Config } from './config.ts'

/** Does nothing yet. */
export class ${pascal} implements Component {
  readonly #settings: ComponentSettings<${pascal}Config>

  constructor(settings: ComponentSettings<${pascal}Config>) {
    this.#settings = settings
  }

  /** Opens sockets, timers and files. */
  async start(): Promise<void> {
    this.#settings.logger.info('does nothing yet')
  }

  /** Closes what \`start\` opened. */
  async shutdown(): Promise<void> {}
}
`
}

export function testOf({ kind, type, camel, pascal }: Names): string {
  if (kind === 'processor')
    return `import { expect, test } from 'vitest'
import { ${camel}Shape } from '../../../../src/processors/${type}/processor.ts'

test('asks nothing of its pipeline', () => {
  expect(${camel}Shape({})).toEqual({})
})
`
  return `import { expect, test } from 'vitest'
import { ${camel}${titleOf(kind)} } from '../../../../src/${kind}s/${type}/index.ts'

test('takes an empty config', () => {
  expect(${camel}${titleOf(kind)}.config.parse({})).toEqual({} satisfies ${pascal}Config)
})
`.replace(
    "import { expect, test } from 'vitest'\n",
    `import { expect, test } from 'vitest'\nimport type { ${pascal}Config } from '../../../../src/${kind}s/${type}/config.ts'\n`,
  )
}

function titleOf(kind: Kind): string {
  return kind[0]?.toUpperCase() + kind.slice(1)
}
