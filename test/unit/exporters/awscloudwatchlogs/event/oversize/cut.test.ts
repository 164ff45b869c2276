import { describe, expect, test } from 'vitest'
import { cutMessage } from '../../../../../../src/exporters/awscloudwatchlogs/event/oversize/cut.ts'

/** The object that is left of an event, which has to be valid JSON within the limit. */
function cutEvent(event: unknown, limit: number): Record<string, unknown> {
  return cutJson(JSON.stringify(event), limit)
}

function cutJson(json: string, limit: number): Record<string, unknown> {
  const cut = cutMessage(Buffer.from(json), limit, true)
  expect(cut.length).toBeLessThanOrEqual(limit)
  // Nothing half of a character either: U+FFFD would be what a reader makes of one.
  expect(Buffer.from(cut.toString()).equals(cut)).toBe(true)
  return JSON.parse(cut.toString()) as Record<string, unknown>
}

test('a message within the limit is left as it is', () => {
  const message = Buffer.from('{"a":"b"}')
  expect(cutMessage(message, 9, true)).toBe(message)
})

describe('strings of an event', () => {
  test('the longest is cut and states by how much', () => {
    const { body, attributes } = cutEvent({ body: 'x'.repeat(5_000), attributes: { k: 'short' } }, 1_000)
    expect(attributes).toEqual({ k: 'short' })
    const [, kept = '', cut] = /^(x+)\[cut (\d+) bytes\]$/.exec(String(body)) ?? []
    expect(kept.length + Number(cut)).toBe(5_000)
  })

  test('no more is cut than necessary', () => {
    const json = JSON.stringify({ body: 'x'.repeat(5_000) })
    const cut = cutMessage(Buffer.from(json), 1_000, true)
    expect(cut.length).toBeGreaterThan(1_000 - 32)
  })

  test('the longest ones go down to one common length, shorter ones stay', () => {
    const event = cutEvent({ a: 'a'.repeat(3_000), b: 'b'.repeat(2_000), c: 'c'.repeat(100) }, 1_500)
    const kept = (text: unknown) => String(text).replace(/\[cut \d+ bytes\]$/, '').length
    expect(kept(event['a'])).toBe(kept(event['b']))
    expect(event['c']).toBe('c'.repeat(100))
  })

  test('keys are never cut', () => {
    const key = 'k'.repeat(400)
    expect(Object.keys(cutEvent({ [key]: 'v'.repeat(1_000) }, 700))).toEqual([key])
  })

  test('keys are never cut, also with blanks before the colon', () => {
    const key = 'k'.repeat(300)
    expect(Object.keys(cutJson(`{ "${key}" \n: "${'v'.repeat(2_000)}" }`, 1_000))).toEqual([key])
  })

  test('a hundred thousand of them are cut to one length', () => {
    const list = Array.from({ length: 100_000 }, () => 'x'.repeat(70))
    const { all } = cutEvent({ all: list }, 4_000_000) as { readonly all: string[] }
    expect(all).toHaveLength(100_000)
    expect([...new Set(all)]).toEqual([expect.stringMatching(/^x+\[cut \d+ bytes\]$/)])
  })

  test('strings in lists and maps are cut too', () => {
    const event = cutEvent({ list: ['x'.repeat(900), { deep: 'y'.repeat(900) }] }, 600)
    expect(JSON.stringify(event)).toMatch(/x\[cut \d+ bytes\].*y\[cut \d+ bytes\]/)
  })

  test('numbers keep all their digits', () => {
    const json = `{"big":9223372036854775807,"body":"${'x'.repeat(2_000)}"}`
    const cut = cutMessage(Buffer.from(json), 500, true).toString()
    expect(cut).toContain('"big":9223372036854775807')
  })
})

describe('the edge of a cut', () => {
  test.each([
    ['two bytes', 'é'],
    ['three bytes', '€'],
    ['four bytes', '😀'],
    ['an escaped quote', '"'],
    ['an escaped backslash', '\\'],
    ['an escape of six bytes', '\u0001'],
    ['a mix', 'a"é\\€\n😀\u0000'],
  ])('is between characters of %s', (_, character) => {
    for (let limit = 300; limit < 330; limit++) {
      const { body } = cutEvent({ body: character.repeat(500) }, limit)
      const kept = String(body).replace(/\[cut \d+ bytes\]$/, '')
      expect(character.repeat(500).startsWith(kept)).toBe(true)
      expect(kept.isWellFormed()).toBe(true)
    }
  })

  test('does not split a surrogate pair written as two escapes', () => {
    for (let limit = 300; limit < 330; limit++) {
      const { body } = cutJson(`{"body":"${'\\ud83d\\ude00'.repeat(200)}"}`, limit)
      expect(String(body).isWellFormed()).toBe(true)
    }
  })
})

describe('events without strings worth cutting', () => {
  test.each([
    ['numbers', `[${'1234567890,'.repeat(500)}1]`],
    ['keys', JSON.stringify(Object.fromEntries(Array.from({ length: 500 }, (_, i) => [`key-${i}`, true])))],
    ['nesting', `${'['.repeat(2_000)}${']'.repeat(2_000)}`],
    ['many short strings', JSON.stringify(Array.from({ length: 500 }, () => 'short'))],
    ['quotes all over', JSON.stringify(Array.from({ length: 500 }, () => '"'))],
  ])('%s become the beginning of the message, as one string', (_, json) => {
    const { cut } = cutJson(json, 600)
    const [, kept = ''] = /^(.*)\[cut \d+ bytes\]$/s.exec(String(cut)) ?? []
    expect(kept.length).toBeGreaterThan(200)
    expect(json.startsWith(kept)).toBe(true)
  })

  test('JSON with its own blanks and line breaks stays within the limit', () => {
    cutJson(`[${'\n\t1,'.repeat(1_000)}1]`, 600)
    cutJson(`{"key" : "${'x'.repeat(2_000)}"}`, 600)
  })
})

describe('text that is not JSON', () => {
  test('loses its end, between characters', () => {
    for (let limit = 300; limit < 310; limit++) {
      const cut = cutMessage(Buffer.from(`not json ${'😀'.repeat(200)}`), limit, false)
      expect(cut.length).toBeLessThanOrEqual(limit)
      expect(cut.toString()).toMatch(/^not json (😀)+\[cut \d+ bytes\]$/u)
    }
  })

  test('counts the bytes that were cut', () => {
    expect(cutMessage(Buffer.from('y'.repeat(1_000)), 124, false).toString()).toBe(`${'y'.repeat(100)}[cut 900 bytes]`)
  })
})
