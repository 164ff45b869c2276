// The files of a new component, for `npm run new`.

import { readFileSync } from 'node:fs'
import { join } from 'node:path'

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

/** The nop exporter under another name: it reserves, counts and settles as every exporter has to. */
function exporter({ pascal }: Names): string {
  return readFileSync(join(import.meta.dirname, '../src/exporters/nop/exporter.ts'), 'utf8')
    .replaceAll('NopExporter', pascal)
    .replaceAll('NopConfig', `${pascal}Config`)
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
