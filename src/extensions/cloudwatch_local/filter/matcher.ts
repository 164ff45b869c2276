/**
 * Returns whether a message matches a compiled filter pattern, in time linear in the message.
 * @throws ServiceError InvalidParameterException if its regular expressions could take seconds
 */
export type Matcher = (message: string) => boolean
