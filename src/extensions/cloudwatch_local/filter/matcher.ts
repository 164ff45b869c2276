/** Whether a message matches a compiled filter pattern. Takes time linear in the message. */
export type Matcher = (message: string) => boolean
