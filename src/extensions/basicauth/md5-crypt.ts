import { hash } from 'node:crypto'

// The password hash of FreeBSD's md5crypt, the default of Apache's htpasswd ($apr1$).

const ROUNDS = 1_000
/** The rounds hash a thousand times the length of the password. Apache has the same limit. */
const MAX_PASSWORD_BYTES = 255

/** Six bits each, least significant first. */
const ALPHABET = './0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'
/** Digest bytes of each group of four characters; the last byte makes two. */
const GROUPS = [
  [0, 6, 12],
  [1, 7, 13],
  [2, 8, 14],
  [3, 9, 15],
  [4, 10, 5],
] as const

/**
 * Returns the 22 characters after the salt.
 * @param magic `$apr1$` or `$1$`
 * @param salt at most 8 characters
 */
export function md5Crypt(password: Buffer, magic: string, salt: string): string {
  // Matches no hash.
  if (password.length > MAX_PASSWORD_BYTES) return '-'.repeat(22)
  const salted = Buffer.from(salt)
  let digest = md5([password, salted, password])
  const first = [password, Buffer.from(magic), salted, repeated(digest, password.length)]
  for (let bits = password.length; bits > 0; bits >>= 1) {
    first.push((bits & 1) === 1 ? Buffer.alloc(1) : password.subarray(0, 1))
  }
  digest = md5(first)
  for (let round = 0; round < ROUNDS; round++) {
    const odd = (round & 1) === 1
    digest = md5([
      odd ? password : digest,
      round % 3 === 0 ? NOTHING : salted,
      round % 7 === 0 ? NOTHING : password,
      odd ? digest : password,
    ])
  }
  return encode(digest)
}

const NOTHING = Buffer.alloc(0)

function md5(parts: readonly Buffer[]): Buffer {
  return hash('md5', Buffer.concat(parts), 'buffer')
}

function repeated(bytes: Buffer, length: number): Buffer {
  return Buffer.alloc(length, bytes)
}

function encode(digest: Buffer): string {
  const groups = GROUPS.map(([high, middle, low]) =>
    characters(((digest[high] ?? 0) << 16) | ((digest[middle] ?? 0) << 8) | (digest[low] ?? 0), 4),
  )
  return groups.join('') + characters(digest[11] ?? 0, 2)
}

function characters(value: number, count: number): string {
  return Array.from({ length: count }, (_, place) => ALPHABET[(value >> (6 * place)) & 63]).join('')
}
