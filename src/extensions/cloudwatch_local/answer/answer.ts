import type { ServiceError } from './service-error.ts'

/** What is to be written on the connection. */
export type Answer =
  | { readonly kind: 'done'; readonly body: object | undefined }
  | { readonly kind: 'failed'; readonly error: ServiceError }
  | { readonly kind: 'garbage'; readonly contentType: string; readonly body: string }
  /** Nothing: the connection is destroyed. */
  | { readonly kind: 'cut' }
