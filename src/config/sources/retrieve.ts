import { readFileSync } from 'node:fs'
import { normalize } from 'node:path'
import { hint } from '../suggest.ts'

/** Environment variables by name; only own, defined ones count as set. */
export type Environment = Readonly<Record<string, string | undefined>>

/** The sources of references. */
export interface Outside {
  readonly env: Environment
  /** Contents of files by path: these are not read again, and new ones are added. */
  readonly files?: Map<string, string>
}

/** The text of a URI, or why there is none. */
export type Retrieved =
  | {
      readonly kind: 'text'
      readonly text: string
      /** The source name for positions in the text. */
      readonly source: string
    }
  | {
      readonly kind: 'failed'
      readonly message: string
      /** Set if the reason is an unset variable. */
      readonly unset?: true
    }

/** The collector's providers that work without a network (confmap README). */
const SCHEMES = ['env', 'file', 'yaml'] as const

/** RFC 3986, with at least two characters: `C:\config.yaml` is a path. */
const URI = /^([A-Za-z][A-Za-z0-9+.-]+):(.*)$/s
const VARIABLE_NAME = /^[a-zA-Z_][a-zA-Z0-9_]*$/

/** @param uri `file:path`, `env:NAME`, `env:NAME:-default` or `yaml:text` */
export function retrieve(uri: string, { env, files }: Outside): Retrieved {
  const [, scheme, rest = ''] = URI.exec(uri) ?? []
  switch (scheme) {
    case 'env':
      return retrieveVariable(rest, env)
    case 'file':
      return retrieveFile(rest, files)
    case 'yaml':
      return { kind: 'text', text: rest, source: 'yaml' }
    case 'http':
    case 'https':
      return failed(`a config cannot be fetched over ${scheme}: download it and write the file's path`)
    case undefined:
      return failed(`${JSON.stringify(uri)} is not a URI: write file:, env: or yaml: in front`)
    default:
      return failed(`no config can be read from ${scheme}:${hint(scheme, SCHEMES)}`)
  }
}

/** Returns whether a `--config` value has a scheme; without one it is a path. */
export function hasScheme(text: string): boolean {
  return URI.test(text)
}

function retrieveVariable(reference: string, env: Environment): Retrieved {
  const separator = reference.indexOf(':-')
  const name = separator < 0 ? reference : reference.slice(0, separator)
  if (!VARIABLE_NAME.test(name))
    return failed(
      `${JSON.stringify(name)} cannot be the name of an environment variable: write letters, digits and _, or $$ for a dollar sign`,
    )
  const value = variable(env, name)
  const source = `env:${name}`
  if (value !== undefined) return { kind: 'text', text: value, source }
  // A default applies only to an unset variable, not to an empty one.
  if (separator >= 0) return { kind: 'text', text: reference.slice(separator + 2), source }
  // The collector warns and goes on with an empty value: an empty token, a log group named by half of its template.
  const message = `the environment variable ${name} is not set: set it, or write a default, env:${name}:-text`
  return { kind: 'failed', message, unset: true }
}

/** @returns undefined if it is not set */
export function variable(env: Environment, name: string): string | undefined {
  return Object.hasOwn(env, name) ? env[name] : undefined
}

function retrieveFile(path: string, files: Map<string, string> = new Map()): Retrieved {
  try {
    const text = files.get(path) ?? readFileSync(normalize(path), 'utf8')
    files.set(path, text)
    return { kind: 'text', text, source: path }
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : String(error)
    return failed(`the file ${path} cannot be read: ${FILE_ERRORS[code] ?? code}`)
  }
}

const FILE_ERRORS: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file',
  EISDIR: 'it is a directory',
  EACCES: 'this process has no permission to read it',
}

function failed(message: string): Retrieved {
  return { kind: 'failed', message }
}
