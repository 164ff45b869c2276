import { makePack, type Pack, packRuns } from '../contract/pack.ts'
import {
  type PutAccepted,
  type PutMissing,
  type PutOutcome,
  type PutRefused,
  type PutRetry,
  retry,
} from '../contract/sender.ts'

export interface PoisonSteps {
  put(part: Pack): Promise<PutOutcome>
  accepted(part: Pack, outcome: PutAccepted): void
  poison(part: Pack, message: string): void
}

export interface Isolated {
  readonly outcome: PutAccepted | PutRetry | PutMissing
  /** The items of the outcome; all other items of the pack are settled. */
  readonly rest: Pack
}

const NOTHING: Isolated = { outcome: { kind: 'accepted', rejected: [] }, rest: makePack([]) }

/**
 * Finds the one item that made a put be refused, by bisection: at most 2·log2(n) puts, as long as one half is accepted. If
 * both halves are refused, the group is at fault and not a single item: then the rest waits, as for any fault.
 * @param groupWorks true if a put to the group succeeded before; otherwise a refused single item may be the group's fault
 */
export async function isolatePoison(
  pack: Pack,
  refusal: PutRefused,
  groupWorks: boolean,
  steps: PoisonSteps,
): Promise<Isolated> {
  let suspect = pack
  let proven = groupWorks
  for (;;) {
    if (suspect.count === 1) {
      if (!proven) return { outcome: faultOfGroup(refusal), rest: suspect }
      steps.poison(suspect, refusal.message)
      return NOTHING
    }
    const middle = suspect.count >>> 1
    const halves = [makePack(packRuns(suspect, 0, middle)), makePack(packRuns(suspect, middle, suspect.count))] as const
    const first = await steps.put(halves[0])
    if (first.kind === 'retry' || first.kind === 'missing') return { outcome: first, rest: suspect }
    if (first.kind === 'accepted') {
      steps.accepted(halves[0], first)
      suspect = halves[1]
      proven = true
      continue
    }
    const second = await steps.put(halves[1])
    if (second.kind === 'retry' || second.kind === 'missing') return { outcome: second, rest: suspect }
    if (second.kind === 'refused') return { outcome: faultOfGroup(second), rest: suspect }
    steps.accepted(halves[1], second)
    suspect = halves[0]
    proven = true
  }
}

function faultOfGroup(refusal: PutRefused): PutRetry {
  const message = `every part of the request is refused: ${refusal.message}`
  return retry({ scope: 'group', reason: 'refused', lasting: true }, message)
}
