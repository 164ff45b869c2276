import type { Family } from './registry.ts'

/** Merges the metrics of several processes: adds samples of the same name and labels, or takes their maximum. */
export function mergeFamilies(all: readonly (readonly Family[])[]): Family[] {
  const merged = new Map<string, { definition: Family['definition']; values: Map<string, Family['samples'][number]> }>()
  for (const { definition, samples } of all.flat()) {
    const family = merged.get(definition.name) ?? { definition, values: new Map() }
    merged.set(definition.name, family)
    for (const { labels, value } of samples) {
      const key = JSON.stringify(Object.entries(labels))
      const known = family.values.get(key)?.value
      const sum = known === undefined ? value : definition.merge === 'max' ? Math.max(known, value) : known + value
      family.values.set(key, { labels, value: sum })
    }
  }
  return [...merged.values()].map(({ definition, values }) => ({ definition, samples: [...values.values()] }))
}
