import { oneLine } from '../tail/line.ts'
import type { Reported, Status } from './step.ts'

const COLORS: Readonly<Record<Status, string>> = {
  ok: '\u001b[32m',
  warn: '\u001b[33m',
  fail: '\u001b[31m',
  skip: '\u001b[2m',
}
const RESET = '\u001b[0m'
const STATUS_WIDTH = 4
const STEP_WIDTH = 18

export function printJson(reported: Reported): string {
  return `${JSON.stringify(reported)}\n`
}

/** For people. */
export function printText(colors: boolean): (reported: Reported) => string {
  return ({ status, step, detail, advice, statement }) => {
    const word = status.padEnd(STATUS_WIDTH)
    const lines = [
      `${colors ? `${COLORS[status]}${word}${RESET}` : word}  ${step.padEnd(STEP_WIDTH)}  ${oneLine(detail)}`,
    ]
    const indent = ' '.repeat(STATUS_WIDTH + STEP_WIDTH + 4)
    if (advice !== undefined) lines.push(`${indent}-> ${oneLine(advice)}`)
    if (statement !== undefined) lines.push(`${indent}   ${JSON.stringify(statement)}`)
    return `${lines.join('\n')}\n`
  }
}
