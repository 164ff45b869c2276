import type { CloudWatchLogsSettings } from '../../settings/resolve.ts'
import type { Template } from '../../route/template.ts'
import { covers, overlap } from './glob-overlap.ts'

/** Groups and streams that an exporter may write, as patterns with asterisks. */
export interface DestinationPattern {
  readonly group: string
  readonly stream: string
}

/**
 * Every destination that the names of the config can make. A name that is cut to 512 characters may lose the text behind its
 * placeholder, and is not covered then.
 */
export function destinationPatterns(settings: CloudWatchLogsSettings): DestinationPattern[] {
  const { overflow, late } = settings.destinations
  const patterns = namedPatterns(settings)
  const isSingle = patterns.length > 0 && !patterns.some(({ group, stream }) => `${group}${stream}`.includes('*'))
  // One fixed destination that is allowed is never over max_new_destinations.
  if (!isSingle) patterns.push(overflow)
  if (settings.events.lateEvents === 'divert') patterns.push(late)
  return withoutCoveredPairs(patterns.map(({ group, stream }) => ({ group, stream })))
}

/** The same without the destinations for events that may not go to their own. */
export function namedPatterns({ names, destinations, events }: CloudWatchLogsSettings): DestinationPattern[] {
  const { allowedGroups } = destinations
  // A body or a resource may name any group that is allowed, and any stream; one without names goes where the templates say.
  const named = groupsWithin(patternOf(names.group), allowedGroups)
  const clientsName = events.routeFromBody || events.routeFromAttributes === true
  const groups = clientsName ? allowedGroups : named
  const stream = clientsName ? '*' : patternOf(names.stream)
  return groups.filter(canBeGroup).map((group) => ({ group, stream }))
}

/** `/eks/*` for `/eks/{namespace|"none"}`: the asterisk covers the values and the texts of all alternatives. */
function patternOf({ literals }: Template): string {
  return literals.join('*').replaceAll(/\*+/g, '*')
}

function groupsWithin(group: string, allowed: readonly string[]): string[] {
  return allowed.length === 0 ? [group] : allowed.flatMap((pattern) => overlap(group, pattern))
}

/** A pattern with characters that no group name has matches no group. */
function canBeGroup(pattern: string): boolean {
  return /^[.\-_/#A-Za-z0-9*]+$/.test(pattern)
}

function withoutCoveredPairs(pairs: readonly DestinationPattern[]): DestinationPattern[] {
  const isCovered = (one: DestinationPattern, other: DestinationPattern) =>
    covers(other.group, one.group) && covers(other.stream, one.stream)
  return pairs.filter(
    (pair, at) =>
      !pairs.some(
        (other, otherAt) => otherAt !== at && isCovered(pair, other) && (!isCovered(other, pair) || otherAt < at),
      ),
  )
}
