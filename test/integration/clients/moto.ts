// moto, another implementation of CloudWatch Logs, as a server process:
//
//   const moto = await startMoto(python.tool('moto_server'))    // python: await pythonTools()
//   moto.url                                                    the endpoint
//   await moto.close()
import { spawn } from 'node:child_process'
import { once } from 'node:events'

const START_TIMEOUT_MS = 60_000

export interface Moto {
  readonly url: string
  close(): Promise<void>
}

/** @param command the path of `moto_server` */
export async function startMoto(command: string): Promise<Moto> {
  const child = spawn(command, ['-H', '127.0.0.1', '-p', '0'], { stdio: ['ignore', 'ignore', 'pipe'] })
  const exited = once(child, 'exit')
  const close = async () => {
    child.kill('SIGKILL') // it holds nothing worth a goodbye
    await exited
  }
  const timeout = setTimeout(() => child.kill('SIGKILL'), START_TIMEOUT_MS)
  let output = ''
  child.stderr.setEncoding('utf8')
  // Read to its end, or a full pipe would stop the server: it logs every request.
  const url = new Promise<string>((resolve, reject) => {
    child.stderr.on('data', (text: string) => {
      if (output.length < 10_000) output += text
      const match = /Running on (http:\/\/\S+)/.exec(output)
      if (match?.[1] !== undefined) resolve(match[1])
    })
    child.once('error', reject)
    child.once('exit', () => reject(new Error(`moto_server ended before it listened:\n${output}`)))
  })
  try {
    return { url: await url, close }
  } finally {
    clearTimeout(timeout)
  }
}
