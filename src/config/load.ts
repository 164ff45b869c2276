import type { ComponentRegistry } from '../component/factory.ts'
import {
  checkSection,
  type DefinedComponents,
  SECTIONS,
  type Section,
  type Sections,
} from './check/check-components.ts'
import { checkDestinations } from './check/check-destinations.ts'
import { checkMetadata } from './check/check-metadata.ts'
import { checkNamedExtensions } from './check/check-named-extensions.ts'
import { type CheckedService, checkService } from './check/check-service.ts'
import type { Configured, DaemonConfig } from './daemon-config.ts'
import { expand } from './sources/expand.ts'
import { Findings, type Problem } from './yaml/findings.ts'
import { applySets, readSources } from './sources/read-sources.ts'
import type { Environment } from './sources/retrieve.ts'
import { hint } from './suggest.ts'
import type { MapNode } from './yaml/tree.ts'
import { asVariables, configFromVariables, exporterVariables } from './sources/variables.ts'

export interface LoadOptions {
  /** `--config`: paths, or `file:`, `env:` and `yaml:` URIs, merged in order. */
  readonly uris: readonly string[]
  /** `--set`: `a.b=c`, merged last. */
  readonly sets: readonly string[]
  /** Used only if there is neither a `--config` nor a variable; never merged. */
  readonly defaultUri?: string
  readonly env: Environment
  /** See `Outside.files`; a caller that keeps it can load the same config again. */
  readonly files?: Map<string, string>
  readonly registry: ComponentRegistry
}

export type LoadedConfig =
  | { readonly kind: 'loaded'; readonly config: DaemonConfig; readonly written: WrittenConfig }
  | { readonly kind: 'invalid'; readonly problems: readonly Problem[] }
  /** Neither a `--config` nor an `OTLP_CLOUDWATCH__` variable. */
  | { readonly kind: 'nothing' }

/** Everything that was checked, including unused components, for `print-config`. */
export interface WrittenConfig extends CheckedService {
  readonly sections: Sections
}

/** Reads, merges, expands and checks a config. All problems are reported at once. */
export function loadConfig(options: LoadOptions): LoadedConfig {
  const findings = new Findings()
  const source = chooseSource(options, findings)
  if (source === undefined) return { kind: 'nothing' }
  const merged = applySets(source, options.sets, findings)
  // A source that could not be read leaves holes; further problems would only be consequences.
  if (findings.failed) return { kind: 'invalid', problems: findings.problems }

  const root = expand(merged, options, findings) as MapNode
  if (hasHole(root)) return { kind: 'invalid', problems: findings.problems }
  checkTopLevel(root, findings)
  const sections = checkSections(root, options.registry, findings)
  const service = checkService(root, definedIds(sections), findings)
  if (service !== undefined) {
    checkNamedExtensions(root, sections, service, findings)
    checkDestinations(root, sections, service, findings)
    checkMetadata(root, sections, service, findings)
  }
  if (findings.failed || service === undefined)
    return { kind: 'invalid', problems: asVariables(findings.problems, options.env) }
  return { kind: 'loaded', config: assemble(sections, service, findings), written: { sections, ...service } }
}

function chooseSource(options: LoadOptions, findings: Findings): MapNode | undefined {
  const { uris, defaultUri, env } = options
  const variables = exporterVariables(env)
  if (uris.length > 0) {
    if (variables.length > 0)
      findings.note(`${variables.join(', ')}: not used, because --config replaces all variables of the exporter`)
    return readSources(uris, options, findings)
  }
  if (variables.length > 0) return configFromVariables(env, findings)
  return defaultUri === undefined ? undefined : readSources([defaultUri], options, findings)
}

/** Returns whether a whole section is an unresolved reference, in which case every name in that section would be reported. */
function hasHole(root: MapNode): boolean {
  return [...root.entries.values()].some(({ value }) => value.kind === 'scalar' && value.unresolved === true)
}

function checkTopLevel(root: MapNode, findings: Findings): void {
  for (const [key, { keyAt }] of root.entries) {
    if (key === 'connectors')
      findings.problem(keyAt, [key], 'not supported yet: name the exporters in the pipeline, and remove the key')
    else if (key !== 'service' && !SECTIONS.some((section) => section === key))
      findings.problem(keyAt, [key], `unknown key${hint(key, [...SECTIONS, 'service'])}`)
  }
}

function checkSections(root: MapNode, registry: ComponentRegistry, findings: Findings): Sections {
  return {
    receivers: checkSection('receivers', root, registry, findings),
    processors: checkSection('processors', root, registry, findings),
    exporters: checkSection('exporters', root, registry, findings),
    extensions: checkSection('extensions', root, registry, findings),
  }
}

function definedIds({ receivers, processors, exporters, extensions }: Sections) {
  return { receivers: receivers.ids, processors: processors.ids, exporters: exporters.ids, extensions: extensions.ids }
}

/** Keeps the components that run, and gathers the notes about them. */
function assemble(sections: Sections, { service, pipelines }: CheckedService, findings: Findings): DaemonConfig {
  const lists = [...pipelines.values()].map(({ output }) => output)
  const used = <Name extends Section>(section: Name, ids: readonly string[]) =>
    keepUsed(section, sections[section], new Set(ids), findings)
  return {
    receivers: used(
      'receivers',
      lists.flatMap(({ receivers }) => receivers),
    ),
    processors: used(
      'processors',
      lists.flatMap(({ processors }) => processors),
    ),
    exporters: used(
      'exporters',
      lists.flatMap(({ exporters }) => exporters),
    ),
    extensions: used('extensions', service.output.extensions),
    service: {
      extensions: service.output.extensions,
      pipelines: new Map([...pipelines].map(([name, { output }]) => [name, output])),
      telemetry: service.output.telemetry,
      workers: service.output.workers,
      shutdownTimeoutMs: service.output.shutdown_timeout,
    },
    notes: findings.notes,
  }
}

function keepUsed<Factory>(
  section: Section,
  { components }: DefinedComponents<Factory>,
  ids: ReadonlySet<string>,
  findings: Findings,
): ReadonlyMap<string, Configured<Factory>> {
  const used = new Map<string, Configured<Factory>>()
  for (const [id, { configured, notes }] of components) {
    if (ids.has(id)) {
      used.set(id, configured)
      notes.forEach((note) => findings.note(note))
    } else {
      const user = section === 'extensions' ? 'service.extensions' : 'a pipeline'
      findings.note(`${section}.${id} is defined and not used: name it in ${user}, or remove it`)
    }
  }
  return used
}
