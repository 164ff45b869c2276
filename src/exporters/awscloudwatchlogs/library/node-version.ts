// The first import of src/index.ts, and without imports of its own, so that an older Node fails before anything else is
// evaluated. It would accept records and lose them at shutdown.

/** `engines` in package.json. */
const MIN_NODE = [22, 15] as const

const running = globalThis.process?.versions?.node
const [major = 0, minor = 0] = (running ?? '').split('.').map(Number)
if (major < MIN_NODE[0] || (major === MIN_NODE[0] && minor < MIN_NODE[1]))
  throw new Error(
    `otlp-cloudwatch needs Node ${MIN_NODE.join('.')} or later, and this is ${running === undefined ? 'not Node' : `Node ${running}`}: run the application with a newer Node`,
  )
