import { Glob } from '../../../../component/glob.ts'

/** Maximum patterns of one overlap; patterns with several asterisks on both sides could have thousands. */
const MAX_PATTERNS = 32

/** Whether a pattern matches everything that the other one matches: an asterisk is matched by an asterisk only. */
export function covers(pattern: string, other: string): boolean {
  return new Glob(pattern).matches(other)
}

/**
 * Patterns for the names that both patterns match, such as `/eks/prod-*` for `/eks/*` and `*prod-*`. With too many of them,
 * the longer of the two patterns, which matches more.
 */
export function overlap(a: string, b: string): string[] {
  const found = new Set<string>()
  // Each step consumes a character of one pattern, or of both. `seen` bounds the steps by the product of their lengths.
  const prefixes = new Map<string, Set<string>>([[key(0, 0), new Set([''])]])
  for (let i = 0; i <= a.length; i++)
    for (let j = 0; j <= b.length; j++) {
      const here = prefixes.get(key(i, j))
      if (here === undefined) continue
      prefixes.delete(key(i, j))
      if (here.size > MAX_PATTERNS) return [a.length >= b.length ? a : b]
      const add = (nextI: number, nextJ: number, text: string) => {
        const there = prefixes.get(key(nextI, nextJ)) ?? new Set<string>()
        for (const prefix of here) there.add(collapsed(prefix + text))
        prefixes.set(key(nextI, nextJ), there)
      }
      const [left, right] = [a[i], b[j]]
      if (left === undefined && right === undefined) for (const pattern of here) found.add(pattern)
      if (left === '*') {
        // It matches nothing more, or the next part of the other pattern.
        add(i + 1, j, right === '*' ? '*' : '')
        if (right !== undefined && right !== '*') add(i, j + 1, right)
      }
      if (right === '*') {
        add(i, j + 1, left === '*' ? '*' : '')
        if (left !== undefined && left !== '*') add(i + 1, j, left)
      }
      if (left !== undefined && left === right && left !== '*') add(i + 1, j + 1, left)
    }
  return withoutCovered([...found])
}

/** The patterns without those that another one covers. */
export function withoutCovered(patterns: readonly string[]): string[] {
  return [...new Set(patterns)].filter(
    (pattern, at, all) =>
      !all.some(
        (other, otherAt) => otherAt !== at && covers(other, pattern) && (!covers(pattern, other) || otherAt < at),
      ),
  )
}

function collapsed(pattern: string): string {
  return pattern.replaceAll(/\*+/g, '*')
}

function key(i: number, j: number): string {
  return `${i} ${j}`
}
