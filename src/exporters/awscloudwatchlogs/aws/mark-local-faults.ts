import type { CloudWatchLogsClient } from '@aws-sdk/client-cloudwatch-logs'
import { isLocalCode, LocalFault } from '../../../aws/local-fault.ts'
import { NoCredentials } from '../../../aws/credentials/no-credentials.ts'

/**
 * Makes a call throw a LocalFault if it fails before its request is handed to the connection, for example because of an
 * invalid endpoint or header. Otherwise it would look like a lost connection, after which a put may have been accepted.
 */
export function markLocalFaults(client: CloudWatchLogsClient): void {
  const handedOver = new WeakSet<object>()
  client.middlewareStack.add(
    (next, context) => async (call) => {
      try {
        return await next(call)
      } catch (error) {
        const isLocal = !handedOver.has(context) || isLocalCode((error as { readonly code?: unknown } | null)?.code)
        // Credential errors are classified separately.
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
