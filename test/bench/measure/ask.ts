import type { ChildProcess } from 'node:child_process'

/** The next message of a child, after telling it something. Rejects if it ends instead. */
export function ask<Answer>(child: ChildProcess, question?: object): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const ended = (code: number | null) => reject(new Error(`${child.spawnargs[1] ?? ''} ended with ${code}`))
    child.once('exit', ended)
    child.once('message', (answer) => {
      child.off('exit', ended)
      resolve(answer as Answer)
    })
    if (question !== undefined) child.send(question)
  })
}
