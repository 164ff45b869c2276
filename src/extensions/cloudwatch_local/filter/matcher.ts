/**
 * Whether a message matches a compiled filter pattern. Takes time linear in the message.
 * @throws ServiceError InvalidParameterException where its regular expressions could take seconds
 */
export type Matcher = (message: string) => boolean
