// The environment variables that affect AWS calls. The AWS SDKs of other languages agree on most of them; where they differ,
// `note` has the rule used here.

/** `switch`: true or false. `secret`: never printed. */
type Kind = 'text' | 'switch' | 'secret' | 'path' | 'url'

interface Variable {
  readonly kind: Kind
  /** The exporter's option that overrides the variable, if any. */
  readonly option?: string
  readonly note: string
}

export const AWS_VARIABLES = {
  AWS_REGION: { kind: 'text', option: 'region', note: 'AWS Region.' },
  AWS_DEFAULT_REGION: { kind: 'text', option: 'region', note: 'AWS Region if AWS_REGION is not set.' },
  AWS_PROFILE: { kind: 'text', option: 'profile', note: 'Profile. Keys in the environment win over it.' },
  AWS_DEFAULT_PROFILE: { kind: 'text', option: 'profile', note: 'Profile if AWS_PROFILE is not set.' },
  AWS_ACCESS_KEY_ID: { kind: 'text', option: 'credentials', note: 'Access key id.' },
  AWS_SECRET_ACCESS_KEY: { kind: 'secret', option: 'credentials', note: 'Secret access key.' },
  AWS_SESSION_TOKEN: { kind: 'secret', option: 'credentials', note: 'Session token of temporary credentials.' },
  AWS_CREDENTIAL_EXPIRATION: { kind: 'text', note: 'Time at which these credentials expire.' },
  AWS_SHARED_CREDENTIALS_FILE: { kind: 'path', note: 'Credentials file. Default ~/.aws/credentials.' },
  AWS_CONFIG_FILE: { kind: 'path', note: 'Config file. Default ~/.aws/config.' },
  AWS_ROLE_ARN: { kind: 'text', note: 'Role for the web identity token.' },
  AWS_ROLE_SESSION_NAME: { kind: 'text', note: 'Session name for the web identity token.' },
  AWS_WEB_IDENTITY_TOKEN_FILE: { kind: 'path', note: 'Web identity token, as EKS mounts it (IRSA).' },
  AWS_CONTAINER_CREDENTIALS_RELATIVE_URI: { kind: 'text', note: 'Credentials of an ECS task.' },
  AWS_CONTAINER_CREDENTIALS_FULL_URI: { kind: 'url', note: 'Credentials of EKS Pod Identity and others.' },
  AWS_CONTAINER_AUTHORIZATION_TOKEN: { kind: 'secret', note: 'Token for the container credentials.' },
  AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE: { kind: 'path', note: 'File with that token.' },
  AWS_EC2_METADATA_DISABLED: { kind: 'text', note: 'Do not query instance metadata.' },
  AWS_EC2_METADATA_SERVICE_ENDPOINT: { kind: 'url', note: 'Address of instance metadata.' },
  AWS_ENDPOINT_URL_CLOUDWATCH_LOGS: { kind: 'url', option: 'endpoint', note: 'Endpoint of CloudWatch Logs.' },
  AWS_ENDPOINT_URL: { kind: 'url', option: 'endpoint', note: 'Endpoint of every service without its own.' },
  AWS_ENDPOINT_URL_STS: { kind: 'url', note: 'Endpoint of STS.' },
  AWS_IGNORE_CONFIGURED_ENDPOINT_URLS: { kind: 'switch', note: 'Ignore AWS_ENDPOINT_URL and the like.' },
  AWS_USE_FIPS_ENDPOINT: { kind: 'switch', option: 'fips', note: 'Use the FIPS endpoint.' },
  AWS_USE_DUALSTACK_ENDPOINT: { kind: 'switch', option: 'dualstack', note: 'Use the endpoint that has IPv6.' },
  AWS_CA_BUNDLE: { kind: 'path', note: 'PEM file of certificate authorities to trust as well.' },
  SSL_CERT_FILE: { kind: 'path', note: 'The same; OpenSSL and Go read it.' },
  HTTPS_PROXY: {
    kind: 'secret',
    option: 'proxy_address',
    note: 'Proxy for https. Takes precedence over https_proxy, as in Go.',
  },
  https_proxy: { kind: 'secret', option: 'proxy_address', note: 'The same.' },
  HTTP_PROXY: {
    kind: 'secret',
    option: 'proxy_address',
    note: 'Proxy for http. Takes precedence over http_proxy, as in Go.',
  },
  http_proxy: { kind: 'secret', option: 'proxy_address', note: 'The same.' },
  NO_PROXY: { kind: 'text', note: 'Hosts without a proxy, by the rules of Go. Takes precedence over no_proxy.' },
  no_proxy: { kind: 'text', note: 'The same.' },
} as const satisfies Readonly<Record<string, Variable>>

export type AwsVariable = keyof typeof AWS_VARIABLES

/**
 * Trims these variables. A value from a Kubernetes Secret often ends with a line break, and the AWS SDK sends it unchanged.
 * Only for the process that owns the environment, before anything else reads it.
 */
export function trimVariables(env: Record<string, string | undefined>): void {
  for (const name of Object.keys(AWS_VARIABLES)) {
    const value = env[name]
    if (value !== undefined && value !== value.trim()) env[name] = value.trim()
  }
}
