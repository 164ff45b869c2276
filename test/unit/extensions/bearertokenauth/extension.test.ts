import { describe, expect, test, vi } from 'vitest'
import type { Authentication } from '../../../../src/component/authenticator.ts'
import { bearertokenauthExtension } from '../../../../src/extensions/bearertokenauth/index.ts'
import {
  headWith,
  problemsOf,
  type RunningAuthenticator,
  secretFile,
  startAuthenticator,
} from '../../../fakes/authentication.ts'

const start = (config: object) => startAuthenticator(bearertokenauthExtension, config)
const problems = (config: object) => problemsOf(bearertokenauthExtension, config)

/** What became of a sender that shows this header, in a word or two. */
function shown({ extension }: RunningAuthenticator, value?: string, header = 'authorization'): string {
  const decided: Authentication = extension.authenticate(headWith(value === undefined ? {} : { [header]: value }))
  if (decided.kind !== 'authenticated') return decided.cause
  return decided.identity === undefined ? 'accepted' : `accepted as ${decided.identity.name}`
}

/** Files are read again once a second; the bound is for a machine that is slow. */
const WITHIN = { timeout: 20_000, interval: 50 }

describe('a token', () => {
  test('is accepted, and no other is', async () => {
    const running = await start({ token: 'one two' })
    expect(shown(running, 'Bearer one two')).toBe('accepted')
    for (const wrong of [
      undefined,
      '',
      'Bearer',
      'Bearer ',
      'Bearer one',
      'Bearer one two three',
      'one two',
      'Basic one two',
    ])
      expect(shown(running, wrong), wrong).toBe('unauthenticated')
  })

  test('is accepted after its scheme in upper or lower case', async () => {
    expect(shown(await start({ token: 'a' }), 'bEARER  a')).toBe('accepted')
    expect(shown(await start({ token: 'A' }), 'Bearer a')).toBe('unauthenticated')
  })

  test('may be one of several', async () => {
    const running = await start({ tokens: ['a', 'b'] })
    expect([shown(running, 'Bearer a'), shown(running, 'Bearer b')]).toEqual(['accepted', 'accepted'])
    expect(shown(running, 'Bearer c')).toBe('unauthenticated')
  })

  test('may come after another scheme, or alone, and in another header', async () => {
    const own = await start({ token: 'a', scheme: 'Api-Key', header: 'X-Key' })
    expect(shown(own, 'Api-Key a', 'x-key')).toBe('accepted')
    expect(shown(own, 'Bearer a', 'x-key')).toBe('unauthenticated')
    expect(shown(own, 'Api-Key a')).toBe('unauthenticated')
    const alone = await start({ token: 'Bearer a', scheme: '', header: 'X-Key' })
    expect(shown(alone, 'Bearer a', 'x-key')).toBe('accepted')
    expect(shown(alone, 'a', 'x-key')).toBe('unauthenticated')
  })

  test('is asked for with its scheme, and where it belongs', async () => {
    const { extension } = await start({ token: 'a', scheme: 'Api-Key', header: 'X-Key' })
    expect(extension.challenge).toBe('Api-Key realm="otlp"')
    expect(extension.authenticate(headWith({}))).toMatchObject({
      message: 'the request has no token: send X-Key: Api-Key <token>',
    })
  })
})

describe('tenants', () => {
  const tenants = {
    blue: { token: 'b', allowed_log_groups: ['/blue/*'] },
    green: { token: 'g', allowed_log_groups: ['/green/*', '/shared'] },
  }

  test('are identified by their token, and may write only their groups', async () => {
    const { extension } = await start({ token: 'anybody', tenants })
    const of = (token: string) => extension.authenticate(headWith({ authorization: `Bearer ${token}` }))
    expect(of('g')).toEqual({
      kind: 'authenticated',
      identity: { name: 'green', allowedGroups: ['/green/*', '/shared'] },
    })
    expect(of('b')).toMatchObject({ identity: { name: 'blue' } })
    expect(of('anybody')).toEqual({ kind: 'authenticated', identity: undefined })
    expect(of('')).toMatchObject({ cause: 'unauthenticated' })
  })

  test('are the same object for each request, so that derived values can be cached', async () => {
    const { extension } = await start({ tenants })
    const identity = () => {
      const decided = extension.authenticate(headWith({ authorization: 'Bearer b' }))
      return decided.kind === 'authenticated' ? decided.identity : undefined
    }
    expect(identity()).toBeDefined()
    expect(identity()).toBe(identity())
  })

  test('keep their groups when their token is also in the shared file', async () => {
    const file = await secretFile('b\nc\n')
    const running = await start({ filename: file.path, tenants })
    expect(shown(running, 'Bearer b')).toBe('accepted as blue')
    expect(shown(running, 'Bearer c')).toBe('accepted')
  })
})

describe('a file', () => {
  test('holds a token a line, and an empty line is none', async () => {
    const { path } = await secretFile('a\r\n\n  b  \n')
    const running = await start({ filename: path })
    expect([shown(running, 'Bearer a'), shown(running, 'Bearer b')]).toEqual(['accepted', 'accepted'])
    expect(shown(running, 'Bearer ')).toBe('unauthenticated')
  })

  test('takes precedence over token and tokens, with a warning', async () => {
    const { path } = await secretFile('a')
    const running = await start({ filename: path, token: 'b' })
    expect([shown(running, 'Bearer a'), shown(running, 'Bearer b')]).toEqual(['accepted', 'unauthenticated'])
    expect(running.log).toEqual(['warn token and tokens are not used: filename takes precedence, as in the collector'])
  })

  test.concurrent('is read again when it changes', async () => {
    const file = await secretFile('old')
    const running = await start({ filename: file.path })
    await file.replace('new')
    await vi.waitUntil(() => shown(running, 'Bearer new') === 'accepted', WITHIN)
    expect(shown(running, 'Bearer old')).toBe('unauthenticated')
    expect(running.log).toEqual([`info credentials reloaded {"file":"${file.path}"}`])
  })

  test.concurrent('that is gone makes senders wait, except those with inline tokens, and is logged', async () => {
    const file = await secretFile('a')
    const tenants = { blue: { token: 'b', allowed_log_groups: ['*'] } }
    const running = await start({ filename: file.path, tenants })
    await file.remove()
    await vi.waitUntil(() => shown(running, 'Bearer a') === 'auth_unavailable', WITHIN)
    expect(shown(running, 'Bearer b')).toBe('accepted as blue')
    expect(shown(running, 'Bearer wrong')).toBe('auth_unavailable')
    expect(shown(running, undefined)).toBe('unauthenticated')
    await file.replace('')
    await vi.waitUntil(() => new Set(running.log).size === 2, WITHIN)
    expect(shown(running, 'Bearer a')).toBe('auth_unavailable')
    await file.replace('a')
    await vi.waitUntil(() => shown(running, 'Bearer a') === 'accepted', WITHIN)
    const said = 'error credentials cannot be reloaded; requests are refused with retry until they can'
    // At each look; the daemon's log folds what is repeated.
    expect([...new Set(running.log)]).toEqual([
      `${said} {"error":"filename: ${file.path} cannot be read (ENOENT): write the path of a file this process may read"}`,
      `${said} {"error":"filename: ${file.path} holds no token: write one a line"}`,
      `info credentials reloaded {"file":"${file.path}"}`,
    ])
  })

  test('that is not there stops the start, with its key', async () => {
    const gone = { filename: '/nowhere/tokens', allowed_log_groups: ['*'] }
    await expect(start({ tenants: { blue: gone } })).rejects.toThrow(
      'tenants.blue.filename: /nowhere/tokens cannot be read (ENOENT): write the path of a file this process may read',
    )
  })
})

describe('problems', () => {
  const blue = { token: 'b', allowed_log_groups: ['*'] }
  const cases: [object, string][] = [
    [{}, ': has no token: write token, tokens, filename or tenants'],
    [{ tenants: {} }, ': has no token: write token, tokens, filename or tenants'],
    [{ token: '' }, 'token: is empty: write the token that senders send'],
    [{ tokens: ['a', ''] }, 'tokens.1: is empty: write the token that senders send'],
    [{ token: 'a', tokens: ['b'] }, 'tokens: cannot be set together with token: write one of them'],
    [{ token: 'a', scheme: 'two words' }, "scheme: has invalid characters: write letters, digits or !#$%&'*+-.^_`|~"],
    [{ token: 'a', header: 'x:y' }, "header: has invalid characters: write letters, digits or !#$%&'*+-.^_`|~"],
    [
      { tenants: { blue: { ...blue, allowed_log_groups: [] } } },
      'tenants.blue.allowed_log_groups: is empty: write the log groups it may write, or "*" for all',
    ],
    [
      { tenants: { blue: { allowed_log_groups: ['*'] } } },
      'tenants.blue: needs either token or filename: write the token its senders send, or a file that holds it',
    ],
    [
      { tenants: { blue: { ...blue, filename: 'f' } } },
      'tenants.blue: needs either token or filename: write the token its senders send, or a file that holds it',
    ],
    [{ tenants: { blue, green: blue } }, 'tenants.green.token: is also in tenants.blue: give each its own'],
    [{ tokens: ['b'], tenants: { blue } }, 'tenants.blue.token: is also in token or tokens: give each its own'],
  ]
  test.each(cases)('%j', (config, problem) => expect(problems(config)).toEqual([problem]))

  test('do not arise with files of several tenants', () => {
    const filename = { filename: 'f', allowed_log_groups: ['*'] }
    expect(problems({ tenants: { blue: filename, green: filename } })).toEqual([])
  })
})
