import { formatPath, formatPosition, type Path, type Position } from './tree.ts'

/** Something the operator has to change before the config can run. */
export interface Problem {
  readonly at: Position
  /** From the root: `receivers.otlp.protocols.grpc.endpont`; empty for the file as a whole. */
  readonly path: string
  /** What is wrong and what to write instead. */
  readonly message: string
}

/** `bad.yaml:4:14: receivers.otlp.protocols.grpc.endpont: unknown key; did you mean "endpoint"?` */
export function formatProblem(problem: Problem): string {
  return [formatPosition(problem.at), problem.path, problem.message].filter((part) => part !== '').join(': ')
}

/** Collects what every step has to say, so that one run tells everything. */
export class Findings {
  readonly #problems: Problem[] = []
  readonly #notes: string[] = []

  problem(at: Position, path: Path, message: string): void {
    this.#add({ at, path: formatPath(path), message })
  }

  /** Takes over the problems of another, not its notes. */
  addProblems(other: Findings): void {
    for (const problem of other.#problems) this.#add(problem)
  }

  #add(problem: Problem): void {
    const text = formatProblem(problem)
    if (!this.#problems.some((known) => formatProblem(known) === text)) this.#problems.push(problem)
  }

  /** What works, and an operator should hear all the same. One sentence, without its full stop. */
  note(text: string): void {
    if (!this.#notes.includes(text)) this.#notes.push(text)
  }

  get failed(): boolean {
    return this.#problems.length > 0
  }

  get notes(): readonly string[] {
    return this.#notes
  }

  /** In reading order: sources as they were first found at fault, then lines. */
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
