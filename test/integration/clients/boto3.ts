// boto3 as a client of any CloudWatch Logs endpoint: what it makes of the answers, in the order of the calls.
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { PythonTools } from './python.ts'

/** An operation in Python's spelling and its parameters: `['put_log_events', { logGroupName: 'g', ... }]`. */
export type Boto3Call = readonly [operation: string, parameters: object]

/** The answer without its metadata, or the error's code and message. */
export type Boto3Result =
  | { readonly answer: Record<string, unknown> }
  | { readonly error: string; readonly message: string }

// boto3 checks parameters itself; that is switched off, so that it is the endpoint that is asked.
const SCRIPT = `
import json, sys, boto3, botocore.config, botocore.exceptions
config = botocore.config.Config(parameter_validation=False, inject_host_prefix=False, retries={'total_max_attempts': 1})
logs = boto3.client('logs', endpoint_url=sys.argv[1], region_name='us-east-1', config=config,
                    aws_access_key_id='AKIDTEST', aws_secret_access_key='secret')
results = []
with open(sys.argv[2], encoding='utf-8') as calls:
    for operation, parameters in json.load(calls):
        try:
            if operation.startswith('paginate '):
                pages = logs.get_paginator(operation[9:]).paginate(**parameters)
                answer = {'pages': [{k: v for k, v in page.items() if k != 'ResponseMetadata'} for page in pages]}
            elif operation.startswith('stream '):
                answer = {'messages': []}
                for message in getattr(logs, operation[7:])(**parameters)['responseStream']:
                    answer['messages'].append(message)
                    if message.get('sessionUpdate', {}).get('sessionResults'):
                        break
            else:
                answer = getattr(logs, operation)(**parameters)
                answer.pop('ResponseMetadata')
            results.append({'answer': answer})
        except botocore.exceptions.ClientError as error:
            results.append({'error': error.response['Error']['Code'], 'message': error.response['Error']['Message']})
print(json.dumps(results))
`

/** Makes the calls one after the other in one process; `paginate OPERATION` reads all pages, `stream OPERATION` to its first events. */
export async function callWithBoto3(
  python: PythonTools,
  url: string,
  calls: readonly Boto3Call[],
): Promise<Boto3Result[]> {
  const directory = await mkdtemp(join(tmpdir(), 'boto3-'))
  try {
    const file = join(directory, 'calls.json')
    await writeFile(file, JSON.stringify(calls))
    const { stdout } = await python.run(['-c', SCRIPT, url, file])
    return JSON.parse(stdout) as Boto3Result[]
  } finally {
    await rm(directory, { recursive: true })
  }
}
