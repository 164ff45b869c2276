import { defineCommand } from '../command.ts'
import { askLetters, LETTER_OPTIONS } from './dead-letters.ts'

export const command = defineCommand({
  description:
    'Prints letters with their events, one JSON object each: --id for one, or filters for several. Changes nothing.',
  options: LETTER_OPTIONS,
  async run(values, surroundings) {
    const answers = await askLetters('show', values, surroundings)
    if (typeof answers === 'number') return answers
    let damaged = false
    for (const queue of answers.queues)
      for await (const letter of queue) {
        surroundings.out(`${JSON.stringify(letter)}\n`)
        await surroundings.outDrained()
        if (letter.messages !== undefined) continue
        surroundings.err(`the events of letter ${letter.id} cannot be read: their bytes on disk are damaged\n`)
        damaged = true
      }
    return damaged ? 1 : answers.exitCode()
  },
})
