import { defineCommand } from './command.ts'
import { askLetters, LETTER_OPTIONS, queryOf } from './dead-letters.ts'

export const command = defineCommand({
  description: 'Prints letters with their events, one JSON object each: --id for one, or filters for several.',
  options: LETTER_OPTIONS,
  async run(values, surroundings) {
    const answers = await askLetters('show', queryOf(values), values, surroundings)
    if (answers === undefined) return 2
    for (const letter of answers.flat()) surroundings.out(`${JSON.stringify(letter)}\n`)
    return 0
  },
})
