/** Instance metadata (IMDSv2) is link-local: it answers at once or not at all. */
const METADATA = 'http://169.254.169.254'
const METADATA_TIMEOUT_MS = 1_000

/**
 * The Region of the EC2 instance this runs on. The JavaScript SDK, unlike Go's, does not ask for it.
 * @returns undefined off EC2, or where AWS_EC2_METADATA_DISABLED is true
 */
export async function instanceRegion(env: NodeJS.ProcessEnv): Promise<string | undefined> {
  if (env['AWS_EC2_METADATA_DISABLED']?.toLowerCase() === 'true') return undefined
  const base = env['AWS_EC2_METADATA_SERVICE_ENDPOINT'] ?? METADATA
  try {
    const token = await fetchText(new URL('/latest/api/token', base), 'PUT', {
      'x-aws-ec2-metadata-token-ttl-seconds': '60',
    })
    const region = await fetchText(new URL('/latest/meta-data/placement/region', base), 'GET', {
      'x-aws-ec2-metadata-token': token,
    })
    return region.trim() || undefined
  } catch {
    // Off EC2 nothing answers there, which is an answer: there is no Region to find.
    return undefined
  }
}

async function fetchText(url: URL, method: string, headers: Record<string, string>): Promise<string> {
  const response = await fetch(url, { method, headers, signal: AbortSignal.timeout(METADATA_TIMEOUT_MS) })
  if (!response.ok) throw new Error(`${url.href} answered ${response.status}`)
  return response.text()
}
