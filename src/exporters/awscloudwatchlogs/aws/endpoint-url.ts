/** Adds https:// to a bare host, which the Go SDK accepts as an endpoint. */
export function endpointUrl(endpoint: string): string {
  return endpoint.includes('://') ? endpoint : `https://${endpoint}`
}
