import type { Replayed } from '../dead-letters/letter-commands.ts'
import { defineComponentCommand } from '../../../component/command.ts'
import { askLetters, LETTER_OPTIONS } from './ask-letters.ts'

export const command = defineComponentCommand({
  description:
    'Queues letters again, oldest first; a stopped daemon sends them when it starts. A letter is removed once its events are in the queue.',
  options: {
    ...LETTER_OPTIONS,
    to: {
      type: 'string',
      value: 'GROUP',
      description: 'send them to this log group, even if senders may not write it; the stream stays the same',
    },
    restamp: {
      type: 'boolean',
      description: 'store them under the current time; their own is kept as original_timestamp',
    },
  },
  async run({ to, restamp, ...values }, host) {
    const answers = await askLetters('replay', values, host, { to, restamp })
    if (typeof answers === 'number') return answers
    let complete = true
    for (const queue of answers.queues)
      for await (const replayed of queue) {
        host.out(`${summary(replayed)}\n`)
        complete &&= replayed.stopped === '' && replayed.left === 0
      }
    return complete ? answers.exitCode() : 1
  },
})

function summary({ letters, events, left, stopped }: Replayed): string {
  const queued = `${letters} letters with ${events} events were queued again`
  const stay = left === 0 ? '' : `; ${left} were kept: they are damaged, or another replay is processing them`
  return `${queued}${stay}${stopped === '' ? '' : `; stopped: ${stopped}`}`
}
