import { defineComponentCommand } from '../../../component/command.ts'
import { askLetters, LETTER_OPTIONS } from './ask-letters.ts'

export const command = defineComponentCommand({
  description:
    'Prints letters with their events, one JSON object per line: --id for one, or filters for several. Changes nothing.',
  options: LETTER_OPTIONS,
  async run(values, host) {
    const answers = await askLetters('show', values, host)
    if (typeof answers === 'number') return answers
    let damaged = false
    for (const queue of answers.queues)
      for await (const letter of queue) {
        host.out(`${JSON.stringify(letter)}\n`)
        await host.outDrained()
        if (letter.messages !== undefined) continue
        host.err(`the events of letter ${letter.id} cannot be read: their bytes on disk are damaged\n`)
        damaged = true
      }
    return damaged ? 1 : answers.exitCode()
  },
})
