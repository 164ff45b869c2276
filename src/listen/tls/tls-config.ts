import * as z from 'zod'
import { acceptedWithoutEffect, duration, notYet, secret } from '../../config/schema/fields.ts'

const VERSIONS = ['1.0', '1.1', '1.2', '1.3'] as const

/**
 * Cipher suites for TLS 1.2: from the names of Go's crypto/tls, which the collector's `cipher_suites` uses, to those of
 * OpenSSL. Go's insecure ones are left out: OpenSSL 3 does not offer them either. TLS 1.3 has no choice of suites, as in Go.
 */
export const CIPHER_SUITES: Readonly<Record<string, string>> = {
  TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA: 'ECDHE-ECDSA-AES128-SHA',
  TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA: 'ECDHE-ECDSA-AES256-SHA',
  TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA: 'ECDHE-RSA-AES128-SHA',
  TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA: 'ECDHE-RSA-AES256-SHA',
  TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256: 'ECDHE-ECDSA-AES128-GCM-SHA256',
  TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384: 'ECDHE-ECDSA-AES256-GCM-SHA384',
  TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256: 'ECDHE-RSA-AES128-GCM-SHA256',
  TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384: 'ECDHE-RSA-AES256-GCM-SHA384',
  TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256: 'ECDHE-RSA-CHACHA20-POLY1305',
  TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256: 'ECDHE-ECDSA-CHACHA20-POLY1305',
  TLS_AES_128_GCM_SHA256: 'TLS_AES_128_GCM_SHA256',
  TLS_AES_256_GCM_SHA384: 'TLS_AES_256_GCM_SHA384',
  TLS_CHACHA20_POLY1305_SHA256: 'TLS_CHACHA20_POLY1305_SHA256',
}

/** Key exchange groups: from the collector's names to OpenSSL's. */
export const CURVES: Readonly<Record<string, string>> = {
  X25519: 'X25519',
  P256: 'P-256',
  P384: 'P-384',
  P521: 'P-521',
  X25519MLKEM768: 'X25519MLKEM768',
}

const FOR_CLIENTS = 'a server checks its clients by client_ca_file'

/** TLS of a server: the collector's configtls.ServerConfig. */
export const serverTlsSchema = z
  .strictObject({
    cert_file: z.string().optional().describe('Path of the PEM certificate, followed by its chain.'),
    cert_pem: z.string().optional().describe('PEM certificate, instead of `cert_file`.'),
    key_file: z.string().optional().describe('Path of the PEM private key.'),
    key_pem: secret().optional().describe('PEM private key, instead of `key_file`.'),
    client_ca_file: z
      .string()
      .optional()
      .describe('Path of PEM CA certificates; clients must present a certificate signed by one of them (mTLS).'),
    client_ca_file_reload: z.boolean().default(false).describe('Reload `client_ca_file` when it changes.'),
    reload_interval: duration().optional().describe('How often to reload certificate and key; never if unset.'),
    min_version: z.enum(VERSIONS).default('1.2').describe('Minimum TLS version. OpenSSL 3 refuses 1.0 and 1.1.'),
    max_version: z.enum(VERSIONS).optional().describe('Maximum TLS version; 1.3 if unset.'),
    cipher_suites: z
      .array(z.enum(Object.keys(CIPHER_SUITES)))
      .optional()
      .describe("Cipher suites for TLS 1.2, by Go's names; Node's list if unset."),
    curve_preferences: z
      .array(z.enum(Object.keys(CURVES)))
      .optional()
      .describe("Key exchange groups in order of preference; Node's list if unset."),
    ca_file: acceptedWithoutEffect(z.string(), FOR_CLIENTS).describe('Path of the CA certificates to trust.'),
    ca_pem: acceptedWithoutEffect(z.string(), FOR_CLIENTS).describe('PEM of the CA certificates to trust.'),
    include_system_ca_certs_pool: acceptedWithoutEffect(z.boolean(), FOR_CLIENTS).describe(
      "Trust the system's CA certificates too.",
    ),
    include_insecure_cipher_suites: acceptedWithoutEffect(
      z.boolean(),
      'OpenSSL 3 does not offer the suites that Go calls insecure',
    ).describe('Allow cipher suites that Go calls insecure.'),
    tpm: notYet(z.looseObject({}), 'write cert_file and key_file with a key outside the TPM').describe(
      'A key in a TPM.',
    ),
  })
  .superRefine((tls, context) => {
    const problem = (path: string, message: string) => context.addIssue({ code: 'custom', path: [path], message })
    for (const [file, pem] of [
      ['cert_file', 'cert_pem'],
      ['key_file', 'key_pem'],
    ] as const) {
      const written = Number(tls[file] !== undefined) + Number(tls[pem] !== undefined)
      if (written === 0) problem(file, `is missing: TLS needs a certificate and its key; write ${file} or ${pem}`)
      if (written === 2) problem(pem, `cannot be set together with ${file}: write one of them`)
    }
    if (tls.max_version !== undefined && Number(tls.max_version) < Number(tls.min_version)) {
      problem(
        'max_version',
        `${tls.max_version} is below min_version ${tls.min_version}: write ${tls.min_version} or more`,
      )
    }
  })

export type ServerTlsConfig = z.output<typeof serverTlsSchema>
