/** A line of the banner that a terminal shows when the daemon is ready. */
export type Hint =
  /** Where to send records, and where they are stored. */
  | { readonly about: 'send' | 'store'; readonly text: string }
  /** A command of the component that reads what is stored. */
  | {
      readonly about: 'read'
      readonly command: string
      readonly options: readonly string[]
      /** Further options for a command line that names no config. */
      readonly withoutConfig: readonly string[]
    }
