import { readFile } from 'node:fs/promises'
import { describe, expect, test } from 'vitest'
import { AwsEnvironment } from '../../../../src/aws/environment/environment.ts'
import { AWS_VARIABLES, trimVariables } from '../../../../src/aws/environment/variables.ts'

const NAMES = Object.keys(AWS_VARIABLES)

test('every variable stands in the README of the exporter', async () => {
  const readme = await readFile(
    new URL('../../../../src/exporters/awscloudwatchlogs/README.md', import.meta.url),
    'utf8',
  )
  expect(NAMES.filter((name) => !readme.includes(`\`${name}\``))).toEqual([])
})

describe('white space', () => {
  test.each(NAMES)('around the value of %s is cut off', (name) => {
    const env: Record<string, string | undefined> = { [name]: ' \tvalue\r\n' }
    expect(new AwsEnvironment(env).get(name as never)).toBe('value')
    trimVariables(env)
    expect(env[name]).toBe('value')
  })

  test.each(NAMES)('a line break inside the value of %s is an error that names it, without the value', (name) => {
    const check = () => new AwsEnvironment({ [name]: 'c4n4\nry' }).check()
    expect(check).toThrow(`${name}: has a line break or another control character in it`)
    expect(check).not.toThrow(/c4n4/)
  })

  test('other variables are left as they are', () => {
    const env = { OTHER: ' value\n', AWS_OTHER: 'value\n' }
    trimVariables(env)
    expect(env).toEqual({ OTHER: ' value\n', AWS_OTHER: 'value\n' })
  })
})

test.each([
  ['true', true],
  ['True', true],
  ['false', false],
  ['', undefined],
  [undefined, undefined],
])('a switch of %j is %s', (value, expected) => {
  expect(new AwsEnvironment({ AWS_USE_FIPS_ENDPOINT: value }).switch('AWS_USE_FIPS_ENDPOINT')).toBe(expected)
})

test.each([
  [{ AWS_USE_FIPS_ENDPOINT: 'yes' }, 'AWS_USE_FIPS_ENDPOINT: "yes" is neither true nor false: write one of them'],
  [{ AWS_USE_DUALSTACK_ENDPOINT: '1' }, 'AWS_USE_DUALSTACK_ENDPOINT: "1" is neither'],
  [{ AWS_ENDPOINT_URL: 'localhost:4566' }, 'AWS_ENDPOINT_URL: "localhost:4566" is not a URL: write https://host'],
  [
    { AWS_ENDPOINT_URL: 'https://user:c4n#4ry@host' },
    'AWS_ENDPOINT_URL: contains a user or password: write https://host',
  ],
  [{ AWS_CREDENTIAL_EXPIRATION: 'soon' }, 'AWS_CREDENTIAL_EXPIRATION: "soon" is not a time'],
])('%j is an error', (env, message) => expect(() => new AwsEnvironment(env).check()).toThrow(message))
