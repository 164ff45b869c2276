/** The two encodings of OTLP; a response has the encoding of its request. */
export type Format = 'protobuf' | 'json'

/** Values of Content-Type in OTLP/HTTP. */
export const MEDIA_TYPES: Readonly<Record<Format, string>> = {
  protobuf: 'application/x-protobuf',
  json: 'application/json',
}
