/** A component's name in the YAML: `type` or `type/name`, as the collector writes it. */
export interface ComponentId {
  readonly type: string
  /** Empty where the id has no `/name`. */
  readonly name: string
}

/** Types are lower snake case (collector coding guidelines); a name may be anything printable without a slash or a blank. */
const PATTERN = /^([a-z][a-z0-9_]*)(?:\/([^\s/]+))?$/

/** Parses `otlp` or `otlp/edge`; undefined when the text is neither. */
export function parseComponentId(text: string): ComponentId | undefined {
  const match = PATTERN.exec(text)
  return match === null ? undefined : { type: match[1] ?? '', name: match[2] ?? '' }
}

export function formatComponentId(id: ComponentId): string {
  return id.name === '' ? id.type : `${id.type}/${id.name}`
}
