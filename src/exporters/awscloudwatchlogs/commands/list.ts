import type { ShownLetter } from '../dead-letters/letter-commands.ts'
import { defineComponentCommand } from '../../../component/command.ts'
import { askLetters, LETTER_OPTIONS } from './ask-letters.ts'

export const command = defineComponentCommand({
  description:
    'Lists what CloudWatch would not take and why, oldest first. Works beside a running daemon and a stopped one, and changes nothing.',
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

/** One line, whatever is in a name or in what CloudWatch said. */
function line({ id, dead_lettered_at: at, reason, group, stream, events, error }: ShownLetter): string {
  return [id, at, reason, group, stream, `${events} events`, error]
    .join('  ')
    .replace(/\p{Cc}+/gu, ' ')
    .trimEnd()
}

/** Lists that are in order as one that is; only the next letter of each is held. */
async function* oldestFirst(lists: readonly AsyncIterable<ShownLetter>[]): AsyncGenerator<ShownLetter> {
  const heads: { letter: ShownLetter; readonly rest: AsyncIterator<ShownLetter> }[] = []
  for (const list of lists) {
    const rest = list[Symbol.asyncIterator]()
    const first = await rest.next()
    if (first.done !== true) heads.push({ letter: first.value, rest })
  }
  while (heads.length > 0) {
    // ISO times of UTC: their order as text is that of time.
    const oldest = heads.reduce((a, b) => (b.letter.dead_lettered_at < a.letter.dead_lettered_at ? b : a))
    yield oldest.letter
    const next = await oldest.rest.next()
    if (next.done === true) heads.splice(heads.indexOf(oldest), 1)
    else oldest.letter = next.value
  }
}
