import type {
  AnyExporterFactory,
  AnyExtensionFactory,
  AnyProcessorFactory,
  AnyReceiverFactory,
  ComponentRegistry,
} from '../../component/factory.ts'
import { parseComponentId } from '../../component/id.ts'
import { checkValue } from './check-value.ts'
import type { Configured } from '../daemon-config.ts'
import { Findings } from '../yaml/findings.ts'
import type { Schema } from '../schema/schema-view.ts'
import { hint } from '../suggest.ts'
import type { Entry, MapNode } from '../yaml/tree.ts'
import { adviceFor, type ComponentKind } from './unsupported.ts'

type AnyFactory = AnyReceiverFactory | AnyProcessorFactory | AnyExporterFactory | AnyExtensionFactory

export const SECTIONS = ['receivers', 'processors', 'exporters', 'extensions'] as const
export type Section = (typeof SECTIONS)[number]

/** The singular of each section. */
export const KIND = {
  receivers: 'receiver',
  processors: 'processor',
  exporters: 'exporter',
  extensions: 'extension',
} as const satisfies Record<Section, ComponentKind>

export type FactoryIn<Name extends Section> = ComponentRegistry[Name][number]

/** The components of a section such as `receivers:`. */
export interface DefinedComponents<Factory> {
  /** Every id written, including invalid components: a pipeline that names one of those is not itself wrong. */
  readonly ids: ReadonlySet<string>
  /** The valid components, in the order written. */
  readonly components: ReadonlyMap<string, DefinedComponent<Factory>>
}

export interface DefinedComponent<Factory> {
  readonly configured: Configured<Factory>
  readonly schema: Schema
  /** The written config, in the form the schema reads. */
  readonly input: unknown
  /** Notes for the operator if the component is used. */
  readonly notes: readonly string[]
}

/** All components written, by section. */
export type Sections = { readonly [Name in Section]: DefinedComponents<FactoryIn<Name>> }

/** Checks each component of a section with its factory's schema. A component may be written with no value: `nop:`. */
export function checkSection<Name extends Section>(
  section: Name,
  root: MapNode,
  registry: ComponentRegistry,
  findings: Findings,
): DefinedComponents<FactoryIn<Name>> {
  const factories: readonly FactoryIn<Name>[] = registry[section]
  const components = new Map<string, DefinedComponent<FactoryIn<Name>>>()
  const entries = sectionEntries(section, root, findings)
  for (const [key, entry] of entries) {
    const path = [section, key]
    const id = parseComponentId(key)
    const factory = factories.find(({ type }) => type === id?.type)
    if (id === undefined) findings.problem(entry.keyAt, path, badId(key))
    else if (factory === undefined) findings.problem(entry.keyAt, path, unknownType(id.type, section, registry))
    else {
      const own = new Findings()
      const checked = checkValue(factory.config, entry, path, own)
      findings.addProblems(own)
      if (checked !== undefined)
        components.set(key, {
          configured: { id, factory, config: checked.output },
          schema: factory.config,
          input: checked.input,
          notes: own.notes,
        })
    }
  }
  return { ids: new Set(entries.keys()), components }
}

function sectionEntries(section: Section, root: MapNode, findings: Findings): ReadonlyMap<string, Entry> {
  const entry = root.entries.get(section)
  if (entry?.value.kind === 'map') return entry.value.entries
  if (entry !== undefined && !isNothing(entry))
    findings.problem(entry.keyAt, [section], 'is not a map: write each component under its id, such as otlp:')
  return new Map()
}

export function isNothing(entry: Entry): boolean {
  return entry.value.kind === 'scalar' && entry.value.value === null
}

export function badId(text: string): string {
  return `${JSON.stringify(text)} is not an id: write type or type/name in lower case, such as otlp or otlp/edge`
}

function unknownType(type: string, section: Section, registry: ComponentRegistry): string {
  const kind = KIND[section]
  const advice = adviceFor(kind, type)
  if (advice !== undefined) return `${kind} ${type} ${advice}`
  const other = SECTIONS.find((name) => registry[name].some((factory: AnyFactory) => factory.type === type))
  if (other !== undefined) return `${type} is one of the ${other}, not ${section}: write it under ${other}:`
  const types = registry[section].map((factory: AnyFactory) => factory.type)
  return `there is no ${kind} ${type} here${hint(type, types)}`
}
