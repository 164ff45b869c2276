import type { Emit, Labels, MetricDefinition, MetricsRegistry } from './metrics.ts'
import { renderFamily, type Sample } from './prometheus-text.ts'

/** One metric with its samples. */
export interface Family {
  readonly definition: MetricDefinition
  readonly samples: readonly Sample[]
}

interface Registration {
  readonly definitions: readonly MetricDefinition[]
  readonly collect: (emit: Emit) => void
}

/** The metrics of `/metrics`: collects the values from each registration once per scrape, and stores none. */
export class Registry implements MetricsRegistry {
  readonly #registrations = new Set<Registration>()

  /**
   * Several components may define the same metric (one sample per exporter); their types have to agree.
   * @returns a function that unregisters the metrics
   * @throws Error if a name is already registered as another type
   */
  register(definitions: readonly MetricDefinition[], collect: (emit: Emit) => void): () => void {
    for (const definition of definitions) {
      for (const other of this.#registrations) {
        const same = other.definitions.find(({ name }) => name === definition.name)
        if (same !== undefined && same.type !== definition.type)
          throw new Error(
            `metric ${definition.name} is a ${same.type} and cannot be registered as a ${definition.type}`,
          )
      }
    }
    const registration = { definitions, collect }
    this.#registrations.add(registration)
    return () => {
      this.#registrations.delete(registration)
    }
  }

  /** Returns the families in the order of their first registration. */
  collect(): Family[] {
    const families = new Map<string, { definition: MetricDefinition; samples: Sample[] }>()
    for (const { definitions, collect } of this.#registrations) {
      const own = new Map<string, Sample[]>()
      for (const definition of definitions) {
        const family = families.get(definition.name) ?? { definition, samples: [] }
        families.set(definition.name, family)
        own.set(definition.name, family.samples)
      }
      collect(({ name }: MetricDefinition, labels: Labels, value: number) => {
        const samples = own.get(name)
        if (samples === undefined) throw new Error(`metric ${name} was emitted but not defined`)
        samples.push({ labels, value })
      })
    }
    return [...families.values()]
  }

  /** @returns Prometheus text format 0.0.4 */
  render(): string {
    return renderFamilies(this.collect())
  }
}

export function renderFamilies(families: readonly Family[]): string {
  let text = ''
  for (const { definition, samples } of families) text += renderFamily(definition, samples)
  return text
}
