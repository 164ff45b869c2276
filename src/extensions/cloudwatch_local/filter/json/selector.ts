import type { Scanner } from '../scanner.ts'

// Selectors: `$.member`, `$['any key']`, `$.list[0]`, and the wildcards `$.*` and `$.list[*]`.

type Step =
  | { readonly kind: 'member'; readonly name: string }
  | { readonly kind: 'index'; readonly index: number }
  | { readonly kind: 'every_member' }
  | { readonly kind: 'every_element' }

export interface Selector {
  readonly steps: readonly Step[]
  readonly wildcard: boolean
}

/** "Property selectors are alphanumeric strings that also support hyphen (-) and underscore (_) characters." */
const NAME = /[A-Za-z0-9_-]+/y
/** Nine digits: an event has less than 10^9 elements. */
const INDEX = /\d{1,9}(?!\d)/y
const KEY = /'(?:[^'\\]|\\.)+'|"(?:[^"\\]|\\.)+"/sy

/** @throws ServiceError InvalidParameterException */
export function takeSelector(scanner: Scanner): Selector {
  if (!scanner.take('$')) throw scanner.invalid("a selector is missing: write one such as $.member or $['a.key']")
  const steps: Step[] = []
  for (let step = takeStep(scanner); step !== undefined; step = takeStep(scanner)) steps.push(step)
  const [first] = steps
  if (first === undefined) throw scanner.invalid("a selector must name a member: write $.member or $['a.key']")
  if (first.kind === 'index' || first.kind === 'every_element')
    throw scanner.invalid('an element must follow a member: write $.member[0]')
  const wildcards = steps.filter(({ kind }) => kind === 'every_member' || kind === 'every_element').length
  if (wildcards > 1) throw scanner.invalid('a selector may hold one wildcard')
  return { steps, wildcard: wildcards > 0 }
}

function takeStep(scanner: Scanner): Step | undefined {
  if (scanner.take('.')) {
    if (scanner.take('*')) return { kind: 'every_member' }
    if (scanner.peek() !== '[') {
      const name = scanner.takeMatch(NAME)
      if (name === undefined)
        throw scanner.invalid("the name of a member is missing: names with other characters are written $['a.key']")
      return { kind: 'member', name }
    }
  }
  if (!scanner.take('[')) return undefined
  const step = takeBracketed(scanner)
  if (!scanner.take(']')) throw scanner.invalid('] is missing')
  return step
}

function takeBracketed(scanner: Scanner): Step {
  if (scanner.take('*')) return { kind: 'every_element' }
  const index = scanner.takeMatch(INDEX)
  if (index !== undefined) return { kind: 'index', index: Number(index) }
  const key = scanner.takeMatch(KEY)
  if (key === undefined)
    throw scanner.invalid("brackets hold a number, * or a key in quotation marks: write [0], [*] or ['a.key']")
  return { kind: 'member', name: key.slice(1, -1).replaceAll(/\\(.)/gs, '$1') }
}

/** Returns whether any selected value in a parsed JSON document satisfies the condition. */
export function someSelected(
  document: unknown,
  { steps }: Selector,
  condition: (value: unknown) => boolean,
  from = 0,
): boolean {
  let value = document
  for (let at = from; at < steps.length; at += 1) {
    const step = steps[at] as Step
    if (typeof value !== 'object' || value === null) return false
    if (step.kind === 'every_member' || step.kind === 'every_element')
      return (
        Array.isArray(value) === (step.kind === 'every_element') &&
        someChild(value, (child) => someSelected(child, { steps, wildcard: false }, condition, at + 1))
      )
    if (Array.isArray(value) !== (step.kind === 'index')) return false
    const key = step.kind === 'index' ? step.index : step.name
    if (!Object.hasOwn(value, key)) return false
    value = (value as Record<string | number, unknown>)[key]
  }
  return condition(value)
}

function someChild(parent: object, condition: (value: unknown) => boolean): boolean {
  if (Array.isArray(parent)) return parent.some(condition)
  for (const key in parent) if (condition((parent as Record<string, unknown>)[key])) return true
  return false
}
