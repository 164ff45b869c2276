import { hash } from 'node:crypto'
import { md5Crypt } from './md5-crypt.ts'
import { Password } from './password.ts'

export type Users = ReadonlyMap<string, Password>

const MD5_CRYPT = /^(\$(?:apr1|1)\$)([./0-9A-Za-z]{0,8})\$([./0-9A-Za-z]{22})$/
const SHA1_BYTES = 20
const INSTEAD = 'write the password in plain text, or hashed by htpasswd -m ($apr1$) or -s ({SHA})'

/** Unsupported forms, by prefix. */
const UNSUPPORTED: readonly (readonly [RegExp, string])[] = [
  // Each guess of an attacker would take 60 ms on the thread that receives all logs.
  [/^\$2[abxy]?\$/, 'is hashed with bcrypt, which is slow by design and not supported'],
  [/^\$[56]\$/, 'is hashed with SHA-crypt, which is slow by design and not supported'],
  [/^\$\w+\$/, 'has an unknown hash'],
  [/^\{\w+\}/, 'has an unknown hash'],
]

/**
 * Parses the lines of an htpasswd file; the last line of a duplicate user wins. Empty lines and those that begin with `#` are
 * skipped.
 * @returns the users, or the problem with the number of the line, never its content
 */
export function parseHtpasswd(text: string): Users | string {
  const users = new Map<string, Password>()
  for (const [index, untrimmed] of text.split('\n').entries()) {
    const line = untrimmed.trim()
    if (line === '' || line.startsWith('#')) continue
    const colon = line.indexOf(':')
    if (colon <= 0) return `line ${index + 1} is not user:password: write a user, a colon and the password`
    const password = parsePassword(line.slice(colon + 1))
    if (typeof password === 'string') return `line ${index + 1} ${password}: ${INSTEAD}`
    users.set(line.slice(0, colon), password)
  }
  return users.size === 0 ? 'names no users: write lines of user:password' : users
}

function parsePassword(written: string): Password | string {
  const [, magic, salt, checksum] = MD5_CRYPT.exec(written) ?? []
  if (magic !== undefined && salt !== undefined && checksum !== undefined)
    return new Password(Buffer.from(checksum), (password) => Buffer.from(md5Crypt(password, magic, salt)))
  const sha = /^\{(SSHA|SHA)\}(.*)$/.exec(written)
  if (sha !== null) return parseSha(Buffer.from(sha[2] ?? '', 'base64'), sha[1] === 'SSHA')
  if (written === '') return 'has no password'
  const [, problem] = UNSUPPORTED.find(([form]) => form.test(written)) ?? []
  return problem ?? Password.plain(written)
}

/** Parses a SHA-1 and, for {SSHA}, the salt after it. */
function parseSha(bytes: Buffer, salted: boolean): Password | string {
  if (salted ? bytes.length <= SHA1_BYTES : bytes.length !== SHA1_BYTES) return 'has an incomplete hash'
  const salt = bytes.subarray(SHA1_BYTES)
  const sha1 = (password: Buffer) => hash('sha1', Buffer.concat([password, salt]), 'buffer')
  return new Password(bytes.subarray(0, SHA1_BYTES), sha1)
}
