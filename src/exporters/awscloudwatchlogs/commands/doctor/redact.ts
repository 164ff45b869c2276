const HIDDEN = '[hidden]'
/** A shorter value is found in ordinary words. */
const MIN_SECRET_CHARACTERS = 4

/** Returns a function that hides secrets in text: errors of proxies and of credential sources may repeat them. */
export class Redaction {
  readonly #secrets = new Set<string>()

  add(...secrets: readonly (string | undefined)[]): void {
    for (const secret of secrets) {
      if (secret === undefined || secret.trim().length < MIN_SECRET_CHARACTERS) continue
      this.#secrets.add(secret.trim())
      this.#secrets.add(encodeURIComponent(secret.trim()))
    }
  }

  /** Adds the user and password of a URL. */
  addUrl(text: string | undefined): void {
    const url = text === undefined ? null : URL.parse(text.includes('://') ? text : `http://${text}`)
    if (url === null || url.password === '') return
    this.add(url.password, decoded(url.password))
  }

  apply(text: string): string {
    let shown = text
    for (const secret of this.#secrets) shown = shown.replaceAll(secret, HIDDEN)
    return shown
  }
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    // A password with a percent sign that is no code stands for itself.
    return text
  }
}
