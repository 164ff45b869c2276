// The entity of a resource: the service and environment to which CloudWatch relates its events.

import type { ProtobufReader } from '../../../wire/protobuf-reader.ts'
import { findAttributes, FoundValues, scalarText } from './attributes.ts'

/** The name of deployment.environment before and after semantic conventions 1.27. */
const NAMES = ['service.name', 'deployment.environment.name', 'deployment.environment'].map((name) => Buffer.from(name))
/** Maximum characters of a value (API model of PutLogEvents). */
const MAX_VALUE_LENGTH = 512
/** Maximum entities first seen within an hour: each needs puts of its own, and clients choose the names. */
const MAX_ENTITIES = 1_000
const HOUR_MS = 3_600_000

export class Entities {
  readonly #found = new FoundValues(NAMES.length)
  /** The member of the request, by service and environment; shared by all batches that wait. */
  readonly #known = new Map<string, string>()
  #hourStart = Number.NEGATIVE_INFINITY
  /** Resources whose entity was left out: its name is too long, or there are too many. */
  leftOut = 0

  /**
   * @param tag of the attributes in the resource in `[from, to)`
   * @param nowMs `performance.now()`
   * @returns Returns the entity as JSON; undefined if the resource names no service
   */
  of(reader: ProtobufReader, from: number, to: number, tag: number, nowMs: number): string | undefined {
    const found = this.#found
    found.clear()
    findAttributes(reader, from, to, tag, NAMES, found)
    const service = this.#text(reader, 0)
    if (service === '') return undefined
    const environment = this.#text(reader, 1) || this.#text(reader, 2)
    if (service.length > MAX_VALUE_LENGTH || environment.length > MAX_VALUE_LENGTH) {
      this.leftOut++
      return undefined
    }
    const key = `${service}\n${environment}`
    const known = this.#known.get(key)
    if (known !== undefined) return known
    return this.#add(key, service, environment, nowMs)
  }

  #text(reader: ProtobufReader, name: number): string {
    const from = this.#found.from[name] as number
    return from < 0 ? '' : (scalarText(reader, from, this.#found.to[name] as number) ?? '')
  }

  #add(key: string, service: string, environment: string, nowMs: number): string | undefined {
    if (nowMs - this.#hourStart >= HOUR_MS) {
      this.#hourStart = nowMs
      this.#known.clear()
    }
    if (this.#known.size >= MAX_ENTITIES) {
      this.leftOut++
      return undefined
    }
    const keyAttributes = { Type: 'Service', Name: service, ...(environment !== '' && { Environment: environment }) }
    const entity = JSON.stringify({ keyAttributes })
    this.#known.set(key, entity)
    return entity
  }
}
