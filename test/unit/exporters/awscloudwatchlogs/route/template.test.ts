import { describe, expect, test } from 'vitest'
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
      attributes: [[short, attribute]],
    })
  })

  test('any other placeholder is the attribute itself, spaces around it ignored', () => {
    expect(template('stream', '{k8s.pod.name}-{ host.id }').attributes).toEqual([['k8s.pod.name'], ['host.id']])
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
