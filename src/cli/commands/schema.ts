import { defineCommand } from '../command.ts'

export const command = defineCommand({
  description: 'Prints a JSON Schema (draft-07) of the config, for editors and Helm charts.',
  options: {},
  async run(_, { out, components }) {
    const [{ configJsonSchema }, registry] = await Promise.all([
      import('../../config/describe/json-schema.ts'),
      components(),
    ])
    out(`${JSON.stringify(configJsonSchema(registry), null, 2)}\n`)
    return 0
  },
})
