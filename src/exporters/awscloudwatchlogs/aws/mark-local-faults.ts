import type { CloudWatchLogsClient } from '@aws-sdk/client-cloudwatch-logs'
import { isLocalCode, LocalFault } from '../../../aws/local-fault.ts'
import { NoCredentials } from '../../../aws/credentials/no-credentials.ts'

/**
 * Has a call that fails before its request is handed to the connection throw a LocalFault: an endpoint that cannot be
 * resolved, a header that cannot be written. It would look like a lost connection otherwise, after which a put may have been
 * taken.
 */
export function markLocalFaults(client: CloudWatchLogsClient): void {
  const handedOver = new WeakSet<object>()
  client.middlewareStack.add(
    (next, context) => async (call) => {
      try {
        return await next(call)
      } catch (error) {
        const isLocal = !handedOver.has(context) || isLocalCode((error as { readonly code?: unknown } | null)?.code)
        // Credentials have a verdict of their own, whenever they are asked for.
        if (isLocal && !isCredentialError(error)) throw new LocalFault(error)
        throw error
      }
    },
    { step: 'initialize', priority: 'high', name: 'markLocalFaults' },
  )
  client.middlewareStack.add(
    (next, context) => (call) => {
      handedOver.add(context)
      return next(call)
    },
    { step: 'deserialize', priority: 'low', name: 'noteHandedOver' },
  )
}

function isCredentialError(error: unknown): boolean {
  const { name } = (error ?? {}) as { readonly name?: unknown }
  return error instanceof NoCredentials || name === 'CredentialsProviderError' || name === 'TokenProviderError'
}
