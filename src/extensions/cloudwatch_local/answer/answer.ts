import type { ServiceError } from './service-error.ts'

/** The response to a call. */
export type Answer =
  | { readonly kind: 'done'; readonly body: object | undefined }
  | { readonly kind: 'failed'; readonly error: ServiceError }
  | { readonly kind: 'garbage'; readonly contentType: string; readonly body: string }
  /** No response: the connection is destroyed. */
  | { readonly kind: 'cut' }
