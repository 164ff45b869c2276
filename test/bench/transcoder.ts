import { DestinationGate, destination } from '../../src/exporters/awscloudwatchlogs/route/destination.ts'
import { Entities } from '../../src/exporters/awscloudwatchlogs/route/entity.ts'
import { Router } from '../../src/exporters/awscloudwatchlogs/route/route.ts'
import { type NameKind, parseTemplate, type Template } from '../../src/exporters/awscloudwatchlogs/route/template.ts'
import { Transcoder } from '../../src/exporters/awscloudwatchlogs/event/transcode.ts'

/** The transcoder as the daemon has it, for the scripts that measure parts. */
/** @param more with alternatives, letter case and the date in the names, and with entities */
export function makeTranscoder(rawLog: boolean, more = false): Transcoder {
  const gate = new DestinationGate({
    allowedGroups: [],
    maxNewAnHour: 1_000,
    overflow: destination('overflow', 'overflow'),
    late: destination('late', 'late'),
  })
  const group = template('group', more ? '/{tenant|service.name:lower|"none"}' : '/{service.name}')
  const stream = template('stream', more ? '{k8s.pod.name|"none"}-{time:%Y-%m-%d}' : '{k8s.pod.name}')
  return new Transcoder(new Router(group, stream, gate, more ? new Entities() : undefined), {
    rawLog,
    routeFromBody: false,
    eventId: false,
    maxMessageBytes: 1_048_550,
    onOversize: 'truncate',
    maxTextBytes: 2 ** 30,
    lateEvents: 'reject',
  })
}

function template(kind: NameKind, text: string): Template {
  return parseTemplate(kind, text) as Template
}
