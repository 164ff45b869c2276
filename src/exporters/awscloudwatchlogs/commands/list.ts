import type { ShownLetter } from '../dead-letters/letter-commands.ts'
import { defineComponentCommand } from '../../../component/command.ts'
import { askLetters, LETTER_OPTIONS } from './ask-letters.ts'

export const command = defineComponentCommand({
  description:
    'Lists events that CloudWatch refused, and why, oldest first. Works with a running or a stopped daemon, and changes nothing.',
  options: LETTER_OPTIONS,
  async run(values, host) {
    const answers = await askLetters('list', values, host)
    if (typeof answers === 'number') return answers
    let letters = 0
    let events = 0
    for await (const letter of oldestFirst(answers.queues)) {
      host.out(`${line(letter)}\n`)
      await host.outDrained()
      letters++
      events += letter.events
    }
    host.err(`${letters} letters, ${events} events\n`)
    return answers.exitCode()
  },
})

/** One line: control characters in names and errors become spaces. */
function line({ id, dead_lettered_at: at, reason, group, stream, events, error }: ShownLetter): string {
  return [id, at, reason, group, stream, `${events} events`, error]
    .join('  ')
    .replace(/\p{Cc}+/gu, ' ')
    .trimEnd()
}

/** Merges sorted lists; holds only the next letter of each. */
async function* oldestFirst(lists: readonly AsyncIterable<ShownLetter>[]): AsyncGenerator<ShownLetter> {
  const heads: { letter: ShownLetter; readonly rest: AsyncIterator<ShownLetter> }[] = []
  for (const list of lists) {
    const rest = list[Symbol.asyncIterator]()
    const first = await rest.next()
    if (first.done !== true) heads.push({ letter: first.value, rest })
  }
  while (heads.length > 0) {
    // ISO times in UTC sort as strings.
    const oldest = heads.reduce((a, b) => (b.letter.dead_lettered_at < a.letter.dead_lettered_at ? b : a))
    yield oldest.letter
    const next = await oldest.rest.next()
    if (next.done === true) heads.splice(heads.indexOf(oldest), 1)
    else oldest.letter = next.value
  }
}
