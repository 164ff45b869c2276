// Python packages for tests of http_json, in an environment of their own: moto's Flask and these do not agree on versions.
import { pythonTools, type PythonTools } from './python.ts'

/** Tried together on Python 3.11. */
const PACKAGES = ['celery==5.7.0', 'Flask==3.1.3', 'redis==8.1.0', 'requests==2.34.2', 'schemathesis==4.32.5']

export function pythonServices(): Promise<PythonTools> {
  return pythonTools('python-services', PACKAGES)
}
