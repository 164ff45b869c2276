// The settings of `message`, as the event's writer needs them.

import { KeyFilter } from './key-filter.ts'

/** The fields of an event that `include` and `exclude` can name, as in the event. */
export const FIELDS = [
  'body',
  'severity_number',
  'severity_text',
  'dropped_attributes_count',
  'flags',
  'trace_id',
  'span_id',
  'event_name',
  'attributes',
  'scope',
  'resource',
] as const
export type Field = (typeof FIELDS)[number]

/** Fields whose members can be named: `resource.k8s.*`. */
const WITH_MEMBERS = ['attributes', 'resource'] as const
export type FieldWithMembers = (typeof WITH_MEMBERS)[number]

/** The attributes that are written; undefined includes all, or excludes none. */
export interface AttributeChoice {
  readonly include: KeyFilter | undefined
  readonly exclude: KeyFilter | undefined
}

export interface MessageShape {
  readonly mergeBody: boolean
  readonly flat: boolean
  /** Fields that are not written. */
  readonly hidden: ReadonlySet<Field>
  readonly attributes: AttributeChoice
  readonly resource: AttributeChoice
  readonly xrayTraceId: boolean
  readonly sequence: boolean
}

export interface MessageOptions {
  readonly merge_body: boolean
  readonly attributes: 'nested' | 'flat'
  readonly include?: readonly string[] | undefined
  readonly exclude?: readonly string[] | undefined
  readonly trace_id: 'hex' | 'xray'
  readonly sequence: boolean
}

/** @returns Returns the problem of an entry of `include` or `exclude`; undefined if there is none */
export function fieldProblem(path: string): string | undefined {
  if ((FIELDS as readonly string[]).includes(path)) return undefined
  const inside = WITH_MEMBERS.find((field) => path.startsWith(`${field}.`))
  const name = inside === undefined ? '' : path.slice(inside.length + 1)
  if (name !== '' && !name.slice(0, -1).includes('*')) return undefined
  return `${JSON.stringify(path)} is not a field of an event: write ${FIELDS.join(', ')}, or attributes.NAME or resource.NAME, where NAME may end with *`
}

/** @returns Returns undefined for the collector's event */
export function messageShape(options: MessageOptions): MessageShape | undefined {
  const { include, exclude = [], attributes, merge_body: mergeBody, trace_id: traceId, sequence } = options
  if (
    !mergeBody &&
    attributes === 'nested' &&
    include === undefined &&
    exclude.length === 0 &&
    traceId === 'hex' &&
    !sequence
  )
    return undefined
  const isIncluded = (field: Field) =>
    include === undefined || include.some((path) => path === field || path.startsWith(`${field}.`))
  return {
    mergeBody,
    flat: attributes === 'flat',
    hidden: new Set(FIELDS.filter((field) => !isIncluded(field) || exclude.includes(field))),
    attributes: choice('attributes', include, exclude),
    resource: choice('resource', include, exclude),
    xrayTraceId: traceId === 'xray',
    sequence,
  }
}

function choice(
  field: FieldWithMembers,
  include: readonly string[] | undefined,
  exclude: readonly string[],
): AttributeChoice {
  const namesIn = (paths: readonly string[]) =>
    paths.filter((path) => path.startsWith(`${field}.`)).map((path) => path.slice(field.length + 1))
  const excluded = namesIn(exclude)
  return {
    include: include === undefined || include.includes(field) ? undefined : new KeyFilter(namesIn(include)),
    exclude: excluded.length === 0 ? undefined : new KeyFilter(excluded),
  }
}
