// An authenticator as a receiver uses it.
//
//   const { extension, log } = await startAuthenticator(bearertokenauthExtension, { token: 'a' })
//   extension.authenticate(headWith({ authorization: 'Bearer a' }))
import { rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, onTestFinished } from 'vitest'
import { type Authenticator, isAuthenticator, type RequestHead } from '../../src/component/authenticator.ts'
import { ByteBudget } from '../../src/component/byte-budget.ts'
import { ALONE } from '../../src/component/siblings.ts'
import type { Component } from '../../src/component/component.ts'
import type { ExtensionFactory } from '../../src/component/factory.ts'
import { Registry } from '../../src/telemetry/registry.ts'
import { lineText, listeningLogger } from './logger.ts'
import { temporaryFolder } from './temporary-folder.ts'

export interface RunningAuthenticator {
  readonly extension: Component & Authenticator
  /** What it said, a line each, fields as JSON. */
  readonly log: readonly string[]
}

/** Starts an extension as the daemon would, and stops it when the test is over. @param config as in the YAML */
export async function startAuthenticator<Config>(
  factory: ExtensionFactory<Config>,
  config: object,
): Promise<RunningAuthenticator> {
  const log: string[] = []
  const logger = listeningLogger((line) => log.push(lineText(line)))
  const extension = factory.create({
    id: { type: factory.type, name: '' },
    config: factory.config.parse(config),
    logger,
    metrics: new Registry(),
    budget: new ByteBudget(1),
    build: { name: 'test', version: '0' },
    siblings: ALONE,
  })
  if (!isAuthenticator(extension)) expect.fail(`${factory.type} is no authenticator`)
  onTestFinished(() => extension.shutdown(AbortSignal.abort()))
  await extension.start({ extension: () => undefined, fatal: (error) => expect.fail(error.message) })
  return { extension, log }
}

/** @param headers by their lower-case names */
export function headWith(headers: Readonly<Record<string, string>>, commonName?: string): RequestHead {
  return { header: (name) => headers[name], commonName: () => commonName }
}

/** Problems of a config, as `path: message`. */
export function problemsOf<Config>(factory: ExtensionFactory<Config>, config: unknown): string[] {
  return (factory.config.safeParse(config).error?.issues ?? []).map(
    ({ path, message }) => `${path.join('.')}: ${message}`,
  )
}

/** A file that is the old one or the new one, never half of it; it goes with the test. */
export async function secretFile(
  text: string,
): Promise<{ path: string; replace(text: string): Promise<void>; remove(): Promise<void> }> {
  const folder = await temporaryFolder()
  const path = join(folder, 'secret')
  const replace = async (text: string) => {
    await writeFile(`${path}.new`, text)
    await rename(`${path}.new`, path)
  }
  await replace(text)
  return { path, replace, remove: () => rm(path) }
}
