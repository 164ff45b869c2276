import { X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
// Default import: Node before 22.15 has no getCACertificates, and must still reach the check of its version.
import tls, { type SecureContext } from 'node:tls'
import { ComponentError } from '../../component/component.ts'
import type { AwsEnvironment } from '../environment/environment.ts'

const CERTIFICATE = /-----BEGIN (?:TRUSTED )?CERTIFICATE-----[\s\S]*?-----END (?:TRUSTED )?CERTIFICATE-----/g

/**
 * The certificate authorities of a connection: Node's, with NODE_EXTRA_CA_CERTS, plus those of `certificate_file_path`,
 * AWS_CA_BUNDLE and SSL_CERT_FILE. Undefined if there are only Node's.
 *
 * Created once instead of passed as the agent's `ca`: Node builds a connection's name from its options, and would write the
 * 220 KB of all authorities into it several times per call, which took a fifth of the daemon's CPU.
 * @throws ComponentError naming a file that cannot be read or has no certificate
 */
export function trustedAuthorities(path: string | undefined, env: AwsEnvironment): SecureContext | undefined {
  const files: [source: string, path: string][] = []
  if (path !== undefined) files.push(['certificate_file_path', path])
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
    throw new ComponentError(`${source}: ${path} contains no certificate: write the path of a PEM file`)
  try {
    certificates.forEach((certificate) => new X509Certificate(certificate))
  } catch (cause) {
    throw new ComponentError(`${source}: ${path} contains a damaged certificate: write the path of a PEM file`, {
      cause,
    })
  }
  return certificates
}
