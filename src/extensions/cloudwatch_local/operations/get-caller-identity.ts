import type { Operation } from './operation.ts'

/** Credentials are not checked, so every caller is the same user. */
export const getCallerIdentity: Operation = (_, account) => ({
  Arn: `arn:aws:iam::${account.id}:user/local`,
  UserId: 'AIDACLOUDWATCHLOCAL0',
  Account: account.id,
})
