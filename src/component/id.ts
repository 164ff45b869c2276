/** A component's id in the YAML: `type` or `type/name`, as in the collector. */
export interface ComponentId {
  readonly type: string
  /** Empty where the id has no `/name`. */
  readonly name: string
}

/** Types are lower snake case (collector coding guidelines); a name is any printable text without slashes or whitespace. */
const PATTERN = /^([a-z][a-z0-9_]*)(?:\/([^\s/]+))?$/

/** Parses `otlp` or `otlp/edge`; returns undefined for anything else. */
export function parseComponentId(text: string): ComponentId | undefined {
  const match = PATTERN.exec(text)
  return match === null ? undefined : { type: match[1] ?? '', name: match[2] ?? '' }
}

export function formatComponentId(id: ComponentId): string {
  return id.name === '' ? id.type : `${id.type}/${id.name}`
}
