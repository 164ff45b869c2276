import { DestinationGate, destination } from '../../src/exporters/awscloudwatchlogs/route/destination.ts'
import { Router } from '../../src/exporters/awscloudwatchlogs/route/route.ts'
import { type NameKind, parseTemplate, type Template } from '../../src/exporters/awscloudwatchlogs/route/template.ts'
import { Transcoder } from '../../src/exporters/awscloudwatchlogs/event/transcode.ts'

/** The transcoder as the daemon has it, for the scripts that measure parts. */
export function makeTranscoder(rawLog: boolean): Transcoder {
  const gate = new DestinationGate({
    allowedGroups: [],
    maxNewAnHour: 1_000,
    overflow: destination('overflow', 'overflow'),
    late: destination('late', 'late'),
  })
  return new Transcoder(new Router(template('group', '/{service.name}'), template('stream', '{k8s.pod.name}'), gate), {
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
