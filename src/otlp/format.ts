/** The two encodings of OTLP; an answer has that of its request. */
export type Format = 'protobuf' | 'json'

/** By format, as OTLP/HTTP writes it in Content-Type. */
export const MEDIA_TYPES: Readonly<Record<Format, string>> = {
  protobuf: 'application/x-protobuf',
  json: 'application/json',
}
