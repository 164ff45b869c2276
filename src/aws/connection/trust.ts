import { X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
// As a whole: Node before 22.15 has no getCACertificates, and is to load as far as the check of its version.
import tls, { type SecureContext } from 'node:tls'
import { ComponentError } from '../../component/component.ts'
import type { AwsEnvironment } from '../environment/environment.ts'

const CERTIFICATE = /-----BEGIN (?:TRUSTED )?CERTIFICATE-----[\s\S]*?-----END (?:TRUSTED )?CERTIFICATE-----/g

/**
 * The authorities a connection trusts: those of Node, with NODE_EXTRA_CA_CERTS, and in addition those of
 * `certificate_file_path`, AWS_CA_BUNDLE and SSL_CERT_FILE. Undefined where Node's alone are wanted.
 *
 * Made once, and not handed over as the agent's `ca`: Node names each connection by its options, and would write the
 * 220 KB of all authorities into a name several times a call, which took a fifth of the daemon's CPU.
 * @throws ComponentError naming the file that cannot be read, or has no certificate
 */
export function trustedAuthorities(path: string, env: AwsEnvironment): SecureContext | undefined {
  const files: [source: string, path: string][] = []
  if (path !== '') files.push(['certificate_file_path', path])
  for (const name of ['AWS_CA_BUNDLE', 'SSL_CERT_FILE'] as const) {
    const file = env.get(name)
    if (file !== undefined) files.push([name, file])
  }
  if (files.length === 0) return undefined
  const added = files.flatMap(([source, file]) => readCertificates(source, file))
  return tls.createSecureContext({ ca: [...tls.getCACertificates('default'), ...added] })
}

function readCertificates(source: string, path: string): string[] {
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (cause) {
    throw new ComponentError(`${source}: ${path} cannot be read: write the path of a PEM file this process may read`, {
      cause,
    })
  }
  const certificates = text.match(CERTIFICATE) ?? []
  if (certificates.length === 0)
    throw new ComponentError(`${source}: ${path} has no certificate in it: write the path of a PEM file`)
  try {
    certificates.forEach((certificate) => new X509Certificate(certificate))
  } catch (cause) {
    throw new ComponentError(`${source}: ${path} has a damaged certificate: write the path of a PEM file`, { cause })
  }
  return certificates
}
