import { describe, expect, test } from 'vitest'
import { parsePlaceholder } from '../../../../../src/exporters/awscloudwatchlogs/route/placeholder.ts'
import {
  fillTemplate,
  legalName,
  literalPrefix,
  parseTemplate,
} from '../../../../../src/exporters/awscloudwatchlogs/route/template.ts'
import { template } from '../event/transcode-request.ts'

describe('placeholders', () => {
  test.each([
    ['ClusterName', 'aws.ecs.cluster.name'],
    ['TaskId', 'aws.ecs.task.id'],
    ['NodeName', 'k8s.node.name'],
    ['PodName', 'pod'],
    ['ServiceName', 'service.name'],
    ['ContainerInstanceId', 'aws.ecs.container.instance.id'],
    ['TaskDefinitionFamily', 'aws.ecs.task.family'],
    ['InstanceId', 'service.instance.id'],
    ['FaasName', 'faas.name'],
    ['FaasVersion', 'faas.version'],
  ])('{%s} is an attribute of that name, else %s', (short, attribute) => {
    expect(template('group', `/a/{${short}}/b`)).toEqual({
      kind: 'group',
      literals: ['/a/', '/b'],
      placeholders: [[{ from: 'attribute', names: [short, attribute] }]],
    })
  })

  test('any other placeholder is the attribute itself, spaces around it ignored', () => {
    expect(template('stream', '{k8s.pod.name}-{ host.id }').placeholders).toEqual([
      [{ from: 'attribute', names: ['k8s.pod.name'] }],
      [{ from: 'attribute', names: ['host.id'] }],
    ])
  })

  test.each([undefined, ''])('a missing or empty value (%j) reads undefined', (value) => {
    expect(fillTemplate(template('group', '/eks/{ns}/{app}'), [value, 'shop'])).toBe('/eks/undefined/shop')
  })

  test('every name starts with the text before the first placeholder', () => {
    expect(literalPrefix(template('group', '/eks/{ns}/x'))).toBe('/eks/')
    expect(literalPrefix(template('group', '{ns}'))).toBe('')
    expect(literalPrefix(template('group', '/fixed'))).toBe('/fixed')
  })
})

describe('alternatives', () => {
  test.each([
    ['{a|b}', [attribute('a'), attribute('b')]],
    ['{ a : lower | ServiceName:upper }', [attribute('a', 'lower'), attribute('ServiceName', 'upper', 'service.name')]],
    ["{'ec2.tag.aws:group:name'|'a|b':lower}", [attribute('ec2.tag.aws:group:name'), attribute('a|b', 'lower')]],
    ["{'metadata.x'}", [attribute('metadata.x')]],
    ['{a|"x: |y"}', [attribute('a'), { from: 'text', text: 'x: |y' }]],
    ['{metadata.X-Tenant:lower}', [{ from: 'metadata', name: 'x-tenant', letterCase: 'lower' }]],
    ['{time:%Y-%m}', [{ from: 'time', format: { parts: ['%Y', '-', '%m'], stepMs: 86_400_000 } }]],
    ['{time}', [attribute('time')]],
    ['{toString}', [attribute('toString')]],
  ])('%s', (text, placeholder) => {
    // Checked without the rule for names, which refuses the colon of a default.
    expect(parsePlaceholder(text.slice(1, -1).trim())).toEqual(placeholder)
  })

  test.each([
    ['{a|}', "has an empty placeholder: write an attribute's name, such as {service.name}"],
    ['{|a}', "has an empty placeholder: write an attribute's name, such as {service.name}"],
    ['{:lower}', "has an empty placeholder: write an attribute's name, such as {service.name}"],
    ["{''}", "has an empty placeholder: write an attribute's name, such as {service.name}"],
    ['{a|""}', 'has an empty default "": write a text, such as "unknown"'],
    ['{"x"}', 'has only a text in {"x"}: write the text without braces, or an attribute before it'],
    ['{a|"x"|b}', 'has b in {a|"x"|b}, which is never used: the alternative before it always has a value'],
    ['{time:%d|a}', 'has a in {time:%d|a}, which is never used: the alternative before it always has a value'],
    ['{a|"x}', 'has unmatched quotes in {a|"x}: write "text" for a default, \'name\' for an attribute'],
    [
      '{a:lowr}',
      'has the format "lowr" after "a": write lower or upper; an attribute whose name has a colon needs single quotes: {\'a:lowr\'}',
    ],
    ['{time:%Y%q}', 'has "%q" in {time:%Y%q}: the date parts are %Y %m %d %j %H %M'],
    ['{time:%}', 'has "%" in {time:%}: the date parts are %Y %m %d %j %H %M'],
    [
      '{time:x}',
      'has no date part in {time:x}: write one of %Y %m %d %j %H %M; an attribute of this name needs single quotes',
    ],
    ['{metadata.x y}', 'has "metadata.x y", and no header is named "x y": write a name such as metadata.x-tenant'],
    ['{metadata.}', 'has "metadata.", and no header is named "": write a name such as metadata.x-tenant'],
    ['{a|"b c"}', 'has " ": a log group name holds letters, digits and . - _ / #'],
    ['{time:%H:%M}', 'has ":": a log group name holds letters, digits and . - _ / #'],
  ])('%s can never give a name', (text, problem) =>
    expect(parseTemplate('group', `/x/${text}`)).toBe(`${JSON.stringify(`/x/${text}`)} ${problem}`),
  )

  test('text that leaves no room for its placeholder is an error', () => {
    expect(parseTemplate('stream', `${'a'.repeat(512)}{x}`)).toBe(
      'has 512 characters besides its placeholders, which leaves no room for them: a name has at most 512',
    )
  })
})

function attribute(name: string, letterCase?: 'lower' | 'upper', mapped?: string): object {
  const names = mapped === undefined ? [name] : [name, mapped]
  return letterCase === undefined ? { from: 'attribute', names } : { from: 'attribute', names, letterCase }
}

describe('invalid names', () => {
  test.each([
    ['group', '', 'is empty: write a name, such as /my-service or {service.name}'],
    ['group', '/a/{}', '"/a/{}" has an empty placeholder: write an attribute\'s name, such as {service.name}'],
    ['group', '/a b/{x}', '"/a b/{x}" has " ": a log group name holds letters, digits and . - _ / #'],
    ['group', '/a/{x', '"/a/{x" has "{": a log group name holds letters, digits and . - _ / #'],
    ['group', 'aws/x', '"aws/x" starts with aws/, which AWS reserves: write /aws/… or another prefix'],
    ['group', 'AWS/x', '"AWS/x" starts with AWS/, which AWS reserves: write /aws/… or another prefix'],
    ['group', 'aWs/{x}', '"aWs/{x}" starts with aWs/, which AWS reserves: write /aws/… or another prefix'],
    ['stream', 'a:b', '"a:b" has ":": a log stream name holds no : and no *'],
    ['stream', '{x}*', '"{x}*" has "*": a log stream name holds no : and no *'],
    ['group', 'a'.repeat(513), 'has 513 characters: a name has at most 512'],
  ] as const)('a %s named %j', (kind, text, problem) => expect(parseTemplate(kind, text)).toBe(problem))

  test('a name may have 512 characters', () => {
    const name = 'a'.repeat(512)
    expect(fillTemplate(template('group', name), [])).toBe(name)
  })
})

describe('values become legal names', () => {
  test.each([
    ['group', 'a b:c*d', 'a_b_c_d'],
    ['group', 'grüße-😀', 'gr__e-_'], // one _ for a character, also one of two UTF-16 units
    ['group', 'keeps.-_/#09AZ', 'keeps.-_/#09AZ'],
    ['group', 'aws/lambda', 'aws_lambda'],
    ['group', 'AWS/lambda', 'AWS_lambda'],
    ['group', 'Aws/', 'Aws_'],
    ['group', '/AWS/lambda', '/AWS/lambda'],
    ['group', 'AWS', 'AWS'],
    ['stream', 'AWS/lambda', 'AWS/lambda'],
    ['stream', 'a:b*c', 'a_b_c'],
    ['stream', 'keeps ü😀[$LATEST]', 'keeps ü😀[$LATEST]'],
  ] as const)('%s %j is %j', (kind, value, name) => expect(legalName(kind, value)).toBe(name))

  test('a filled template is cut to 512 characters', () => {
    expect(fillTemplate(template('group', '/a/{x}'), ['b'.repeat(600)])).toBe(`/a/${'b'.repeat(509)}`)
  })

  test('a cut through a surrogate pair leaves no half of it', () => {
    const name = fillTemplate(template('stream', '{x}'), ['a'.repeat(511) + '😀'])
    expect(name).toHaveLength(512)
    expect(name.isWellFormed()).toBe(true)
  })

  test('a value cannot make a group begin with aws/', () => {
    expect(fillTemplate(template('group', '{x}'), ['aws/spy'])).toBe('aws_spy')
  })
})
