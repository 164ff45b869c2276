import { defineCommand } from './command.ts'
import { askLetters, LETTER_OPTIONS, queryOf } from './dead-letters.ts'

export const command = defineCommand({
  description:
    'Lists what CloudWatch would not take and why, oldest first. Works beside a running daemon and a stopped one.',
  options: LETTER_OPTIONS,
  async run(values, surroundings) {
    const answers = await askLetters('list', queryOf(values), values, surroundings)
    if (answers === undefined) return 2
    const letters = answers.flat()
    for (const { id, died, reason, group, stream, events, error } of letters)
      surroundings.out(`${[id, died, reason, group, stream, `${events} events`, error].join('  ').trimEnd()}\n`)
    const events = letters.reduce((sum, letter) => sum + letter.events, 0)
    surroundings.err(`${letters.length} letters, ${events} events\n`)
    return 0
  },
})
