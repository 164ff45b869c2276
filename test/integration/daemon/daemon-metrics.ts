import type { Labels } from '../../../src/telemetry/metrics.ts'

interface Sample {
  readonly name: string
  readonly labels: Labels
  readonly value: number
}

const SAMPLE = /^(\w+)(?:\{(.*)\})? (\S+)$/
const LABEL = /(\w+)="((?:[^"\\]|\\.)*)"/g

/** One answer of `/metrics`. */
export class Metrics {
  readonly #samples: readonly Sample[]

  constructor(text: string) {
    this.#samples = text.split('\n').flatMap((line) => {
      const [, name, labels = '', value] = SAMPLE.exec(line) ?? []
      if (name === undefined) return []
      const pairs = [...labels.matchAll(LABEL)].map(([, key = '', text = '']) => [key, text])
      return [{ name, labels: Object.fromEntries(pairs) as Labels, value: Number(value) }]
    })
  }

  /**
   * The sum of the samples that have these labels.
   * @throws Error if there is no metric of this name: a misspelt one is not 0
   */
  value(name: string, labels: Labels = {}): number {
    const family = this.#samples.filter((sample) => sample.name === name)
    if (family.length === 0) throw new Error(`there is no metric ${name}`)
    return family
      .filter((sample) => Object.entries(labels).every(([key, value]) => sample.labels[key] === value))
      .reduce((sum, { value }) => sum + value, 0)
  }

  /** Records in a state of the account, over all exporters. */
  records(state: 'queued' | 'delivered' | 'dead_lettered' | 'rejected' | 'lost', reason?: string): number {
    return this.value('otlp_cloudwatch_records', { state, ...(reason !== undefined && { reason }) })
  }

  /** Anything but 0 is a defect. */
  get unaccounted(): number {
    return this.value('otlp_cloudwatch_records_unaccounted')
  }

  get received(): number {
    return this.value('otlp_cloudwatch_records_received')
  }
}
