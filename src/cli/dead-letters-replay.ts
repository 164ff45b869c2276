import { defineCommand } from './command.ts'
import { askLetters, LETTER_OPTIONS, queryOf } from './dead-letters.ts'

export const command = defineCommand({
  description:
    'Queues letters again, oldest first; with a stopped daemon they are sent when it starts. A letter goes when its events are in the queue.',
  options: {
    ...LETTER_OPTIONS,
    to: { type: 'string', value: 'GROUP', description: 'send them to this log group; the stream stays' },
    restamp: {
      type: 'boolean',
      description: 'store them under the present time; their own is kept as original_timestamp',
    },
  },
  async run({ to, restamp, ...values }, surroundings) {
    const query = { ...queryOf(values), ...(to === undefined ? {} : { to }), ...(restamp === true ? { restamp } : {}) }
    const answers = await askLetters('replay', query, values, surroundings)
    if (answers === undefined) return 2
    for (const { letters, events, stopped } of answers)
      surroundings.out(
        `${letters} letters with ${events} events are queued again${stopped === '' ? '' : `; stopped: ${stopped}`}\n`,
      )
    return answers.every(({ stopped }) => stopped === '') ? 0 : 1
  },
})
