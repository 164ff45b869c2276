import type { Replayed } from '../dead-letters/letter-commands.ts'
import { defineComponentCommand } from '../../../component/command.ts'
import { askLetters, LETTER_OPTIONS } from './ask-letters.ts'

export const command = defineComponentCommand({
  description:
    'Queues letters again, oldest first; with a stopped daemon they are sent when it starts. A letter goes when its events are in the queue.',
  options: {
    ...LETTER_OPTIONS,
    to: {
      type: 'string',
      value: 'GROUP',
      description: 'send them to this log group, also one that senders may not write; the stream stays',
    },
    restamp: {
      type: 'boolean',
      description: 'store them under the present time; their own is kept as original_timestamp',
    },
  },
  async run({ to, restamp, ...values }, host) {
    const answers = await askLetters('replay', values, host, { to, restamp })
    if (typeof answers === 'number') return answers
    let whole = true
    for (const queue of answers.queues)
      for await (const replayed of queue) {
        host.out(`${summary(replayed)}\n`)
        whole &&= replayed.stopped === '' && replayed.left === 0
      }
    return whole ? answers.exitCode() : 1
  },
})

function summary({ letters, events, left, stopped }: Replayed): string {
  const queued = `${letters} letters with ${events} events are queued again`
  const stay = left === 0 ? '' : `; ${left} stay: their bytes are damaged, or another replay is at them`
  return `${queued}${stay}${stopped === '' ? '' : `; stopped: ${stopped}`}`
}
