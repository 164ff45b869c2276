import { formatPath, formatPosition, type Path, type Position } from './tree.ts'

/** An error that the operator has to fix before the config can run. */
export interface Problem {
  readonly at: Position
  /** From the root: `receivers.otlp.protocols.grpc.endpont`; empty for the file as a whole. */
  readonly path: string
  /** The problem, and what to write instead. */
  readonly message: string
}

/** `bad.yaml:4:14: receivers.otlp.protocols.grpc.endpont: unknown key; did you mean "endpoint"?` */
export function formatProblem(problem: Problem): string {
  return [formatPosition(problem.at), problem.path, problem.message].filter((part) => part !== '').join(': ')
}

/** Collects the problems and notes of every step, so that one run reports all. */
export class Findings {
  readonly #problems: Problem[] = []
  readonly #notes: string[] = []

  problem(at: Position, path: Path, message: string): void {
    this.#add({ at, path: formatPath(path), message })
  }

  /** Adds the problems of another, not its notes. */
  addProblems(other: Findings): void {
    for (const problem of other.#problems) this.#add(problem)
  }

  #add(problem: Problem): void {
    const text = formatProblem(problem)
    if (!this.#problems.some((known) => formatProblem(known) === text)) this.#problems.push(problem)
  }

  /** Adds a note about something that works but deserves the operator's attention: one sentence without its period. */
  note(text: string): void {
    if (!this.#notes.includes(text)) this.#notes.push(text)
  }

  get failed(): boolean {
    return this.#problems.length > 0
  }

  get notes(): readonly string[] {
    return this.#notes
  }

  /** In reading order: sources in the order of their first problem, then lines. */
  get problems(): readonly Problem[] {
    const sources = [...new Set(this.#problems.map((problem) => problem.at.source))]
    return this.#problems.toSorted(
      (a, b) =>
        sources.indexOf(a.at.source) - sources.indexOf(b.at.source) ||
        (a.at.line ?? 0) - (b.at.line ?? 0) ||
        (a.at.column ?? 0) - (b.at.column ?? 0),
    )
  }
}
