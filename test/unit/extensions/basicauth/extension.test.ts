import { describe, expect, test, vi } from 'vitest'
import { ComponentError } from '../../../../src/component/component.ts'
import { basicauthExtension } from '../../../../src/extensions/basicauth/index.ts'
import {
  headWith,
  problemsOf,
  type RunningAuthenticator,
  secretFile,
  startAuthenticator,
} from '../../../fakes/authentication.ts'

const start = (config: object) => startAuthenticator(basicauthExtension, config)
const inline = (text: string) => start({ htpasswd: { inline: text } })

/** What became of a sender that shows this header, in a word or two. */
function shownHeader({ extension }: RunningAuthenticator, authorization?: string): string {
  const decided = extension.authenticate(headWith(authorization === undefined ? {} : { authorization }))
  if (decided.kind !== 'authenticated') return decided.cause
  return decided.identity === undefined ? 'accepted' : `accepted as ${decided.identity.name}`
}

function shown(running: RunningAuthenticator, credentials: string): string {
  return shownHeader(running, `Basic ${Buffer.from(credentials).toString('base64')}`)
}

/** Files are read again once a second; the bound is for a machine that is slow. */
const WITHIN = { timeout: 20_000, interval: 50 }

describe('a password', () => {
  // Made by `openssl passwd -apr1 -salt …`, `-1`, and `openssl dgst -sha1 -binary | base64`.
  const forms: [form: string, line: string, password: string][] = [
    ['plain', 'u:secret', 'secret'],
    ['plain, with colons, blanks and letters of all kinds', 'u:a:b c ü$', 'a:b c ü$'],
    ['{SHA}', 'u:{SHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g=', 'password'],
    ['{SSHA}', 'u:{SSHA}yI6cZwQadOA1e+/f+T+H3eCQQhRzYWx0', 'password'],
    ['$apr1$', 'u:$apr1$r31....$wBK4QazZOYKWp4EEIOXvk.', 'myPassword'],
    [
      '$apr1$ of more than 16 bytes',
      'u:$apr1$abc$68G4cH.QyxPsBJLvPmqTw1',
      'päss:wörd with blanks and forty characters',
    ],
    ['$apr1$ of one byte', 'u:$apr1$x$16j9.5e7KiXmuYFAYpPJM/', 'a'],
    ['$apr1$ of none', 'u:$apr1$12345678$sHuPAw7VA9xjRbJz7zKV7/', ''],
    ['$1$', 'u:$1$abcdefgh$cHJi5PXp/ki/ktXzqlk6I1', 'secret'],
  ]
  test.each(forms)('in the form %s is accepted repeatedly, and another is not', async (_, line, password) => {
    const running = await inline(line)
    expect(shown(running, `u:${password}x`)).toBe('unauthenticated')
    expect(shown(running, `u:${password}`)).toBe('accepted')
    expect(shown(running, `u:${password}`)).toBe('accepted')
    expect(shown(running, `u:${password}x`)).toBe('unauthenticated')
    expect(shown(running, `v:${password}`)).toBe('unauthenticated')
  })

  test('that is the hash itself is refused', async () => {
    const running = await inline('u:{SHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g=')
    expect(shown(running, 'u:{SHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g=')).toBe('unauthenticated')
  })

  test('over 255 bytes is wrong where it is hashed a thousand times', async () => {
    const running = await inline('u:$apr1$long$zQXw.xmTPJtCRPqJxjETT0\nv:$apr1$long$mmmghfa4vROUnhFT0TUv11')
    expect(shown(running, `u:${'p'.repeat(255)}`)).toBe('accepted')
    expect(shown(running, `v:${'p'.repeat(256)}`)).toBe('unauthenticated')
  })

  test.each([
    undefined,
    '',
    'Basic',
    'Basic !!!',
    `Basic ${Buffer.from('no colon').toString('base64')}`,
    `Bearer ${Buffer.from('u:p').toString('base64')}`,
    'u:p',
  ])('is not printed for %j', async (header) => {
    expect(shownHeader(await inline('u:p'), header)).toBe('unauthenticated')
  })

  test('is accepted after the scheme in upper or lower case', async () => {
    expect(shownHeader(await inline('u:p'), `bAsIc ${Buffer.from('u:p').toString('base64')}`)).toBe('accepted')
  })
})

test('of several lines each is a user, and the last one of a user counts', async () => {
  const running = await inline('# users\n\n a:1 \nb:2\r\na:3\n')
  expect(['a:3', 'b:2'].map((credentials) => shown(running, credentials))).toEqual(['accepted', 'accepted'])
  expect(['a:1', 'b:1', '# users:', ':'].map((credentials) => shown(running, credentials))).toEqual(
    Array.from({ length: 4 }, () => 'unauthenticated'),
  )
})

test('the sender is asked for user and password', async () => {
  const { extension } = await inline('u:p')
  expect(extension.challenge).toBe('Basic realm="otlp", charset="UTF-8"')
})

describe('tenants', () => {
  const tenants = { blue: { allowed_log_groups: ['/blue/*'] } }

  test('are users with their own groups, and another user may not send', async () => {
    const { extension } = await start({ htpasswd: { inline: 'blue:1\nred:2' }, tenants })
    const of = (text: string) =>
      extension.authenticate(headWith({ authorization: `Basic ${Buffer.from(text).toString('base64')}` }))
    expect(of('blue:1')).toEqual({ kind: 'authenticated', identity: { name: 'blue', allowedGroups: ['/blue/*'] } })
    expect(of('red:2')).toMatchObject({ kind: 'refused', cause: 'permission_denied' })
    expect(of('red:1')).toMatchObject({ kind: 'refused', cause: 'unauthenticated' })
  })

  test('must be users, as far as the users are known', () => {
    const problems = (config: object) => problemsOf(basicauthExtension, config)
    expect(problems({ htpasswd: { inline: 'bleu:1' }, tenants })).toEqual([
      'tenants.blue: is not a user in htpasswd: add it there',
    ])
    expect(problems({ htpasswd: { inline: 'bleu:1', file: 'f' }, tenants })).toEqual([])
  })
})

describe('a file', () => {
  test('is overridden by inline for the same user', async () => {
    const { path } = await secretFile('a:file\nb:file\n')
    const running = await start({ htpasswd: { file: path, inline: 'a:inline' } })
    expect(['a:inline', 'b:file', 'a:file'].map((credentials) => shown(running, credentials))).toEqual([
      'accepted',
      'accepted',
      'unauthenticated',
    ])
  })

  test.concurrent('is read again when it changes', async () => {
    const file = await secretFile('a:old')
    const running = await start({ htpasswd: { file: file.path } })
    await file.replace('a:new')
    await vi.waitUntil(() => shown(running, 'a:new') === 'accepted', WITHIN)
    expect(shown(running, 'a:old')).toBe('unauthenticated')
  })

  test.concurrent('that is gone makes its users wait, and those of inline go on', async () => {
    const file = await secretFile('a:1')
    const running = await start({ htpasswd: { file: file.path, inline: 'b:2' } })
    await file.remove()
    await vi.waitUntil(() => shown(running, 'a:1') === 'auth_unavailable', WITHIN)
    expect(shown(running, 'b:2')).toBe('accepted')
    expect(shown(running, 'b:1')).toBe('unauthenticated')
    expect(shownHeader(running)).toBe('unauthenticated')
    await file.replace('a:1')
    await vi.waitUntil(() => shown(running, 'a:1') === 'accepted', WITHIN)
  })

  test('with a line that cannot be read stops the start, and shows its number alone', async () => {
    const { path } = await secretFile('a:1\nhunter2\n')
    await expect(start({ htpasswd: { file: path } })).rejects.toThrow(
      new ComponentError(`htpasswd.file: ${path}: line 2 is not user:password: write a user, a colon and the password`),
    )
  })
})

describe('problems', () => {
  const instead = 'write the password in plain text, or hashed by htpasswd -m ($apr1$) or -s ({SHA})'
  const lines: [line: string, problem: string][] = [
    ['', 'names no users: write lines of user:password'],
    ['hunter2', 'line 1 is not user:password: write a user, a colon and the password'],
    [':hunter2', 'line 1 is not user:password: write a user, a colon and the password'],
    ['a:b\nc:', `line 2 has no password: ${instead}`],
    [
      'u:$2y$05$abcdefghijklmnopqrstuv',
      `line 1 is hashed with bcrypt, which is slow by design and not supported: ${instead}`,
    ],
    ['u:$6$salt$abc', `line 1 is hashed with SHA-crypt, which is slow by design and not supported: ${instead}`],
    ['u:$argon2id$v=19$abc', `line 1 has an unknown hash: ${instead}`],
    ['u:$apr1$salt$short', `line 1 has an unknown hash: ${instead}`],
    ['u:{CRYPT}abc', `line 1 has an unknown hash: ${instead}`],
    ['u:{SHA}abc', `line 1 has an incomplete hash: ${instead}`],
    ['u:{SSHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g=', `line 1 has an incomplete hash: ${instead}`],
  ]
  test.each(lines)('%j', (text, problem) => {
    expect(problemsOf(basicauthExtension, { htpasswd: { inline: text } })).toEqual([`htpasswd.inline: ${problem}`])
  })

  test('without users, or with credentials to show elsewhere', () => {
    expect(problemsOf(basicauthExtension, { htpasswd: {} })).toEqual([
      'htpasswd: names no users: write file, or inline with lines of user:password',
    ])
    expect(
      problemsOf(basicauthExtension, { htpasswd: { inline: 'a:b' }, client_auth: { username: 'a', password: 'b' } }),
    ).toEqual(['client_auth: is not supported yet: remove it: no exporter here sends OTLP'])
  })
})
