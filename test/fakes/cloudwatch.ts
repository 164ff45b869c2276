// A CloudWatch Logs API in the test's own process, as strict as AWS, with faults that can be switched on. The same code
// as the `cloudwatch_local` extension.
//
//   const local = await startCloudWatchLocal({ quotas: false })       // options: CloudWatchLocalOptions
//   local.url                                     'http://localhost:41234', the endpoint for the client under test
//   local.events('group', 'stream')               what is stored, by time; both names may be left out; [] if none exist
//   local.store.groups.get('group')               tags, retentionInDays, streams, ...
//   local.calls.all                               the last 10,000 calls: operation, group, stream, events, bytes, outcome, headers
//   local.calls.count('PutLogEvents', 'ok')       how many; outcome may also be an error's code, 'cut' or 'garbage', or absent
//   await local.down(); await local.up()          the endpoint is gone, and back on the same port; what is stored stays
//   local.endLiveTails('SessionTimeoutException')  ends every StartLiveTail; or 'SessionStreamingException'
//   await local.close()
//
// Faults. Each takes `where`: { operation?, group?, stream?, times? }; without `times` it stays on until `.off()`, or
// `local.faults.clear()`. Each returns { hits, off() }. The first that applies to a call decides; slowness adds up.
//
//   local.faults.throttle({ times: 3 })           ThrottlingException
//   local.faults.fail(500)                        500, 502, 504 InternalFailure; 503 ServiceUnavailableException
//   local.faults.deny({ group: 'g' })             AccessDeniedException
//   local.faults.expireCredentials()              ExpiredTokenException
//   local.faults.error(code, message, status)     anything else
//   local.faults.slow(ms)                         waits first
//   local.faults.cut('before' | 'after')          connection cut, before anything is stored or after
//   local.faults.garbage('html' | 'empty' | 'half_json')   200 and not an answer; nothing is stored
//   local.faults.omitSequenceToken()              stored; no nextSequenceToken
//   local.faults.rejectAll('too_old' | 'too_new' | 'expired')
//   local.faults.demandSequenceTokens()           InvalidSequenceTokenException unless a put brings the last answer's token
//   local.faults.alreadyAccepted()                stored; DataAlreadyAcceptedException
//   local.faults.poison('text')                   InvalidParameterException if a message contains it
export {
  CloudWatchLocal,
  startCloudWatchLocal,
  type CloudWatchLocalOptions,
  type LocalEvent,
} from '../../src/extensions/cloudwatch_local/cloudwatch-local.ts'
export type { Call } from '../../src/extensions/cloudwatch_local/api/calls.ts'
