import { expect, test } from 'vitest'
import { callCloudWatch, refusalOf } from '../../../../fakes/call-cloudwatch.ts'
import { startCloudWatchLocal } from '../../../../fakes/cloudwatch.ts'
import { AWS_QUOTAS, Quotas } from '../../../../../src/extensions/cloudwatch_local/api/quotas.ts'

test('a second takes as many calls as the quota says, and the next second as many again', () => {
  let now = 0
  const quotas = new Quotas({ CreateLogGroup: 10 }, () => now)
  const takeAll = () => {
    let taken = 0
    for (; taken < 1_000; taken += 1) {
      try {
        quotas.take('CreateLogGroup')
      } catch (error) {
        expect(error).toMatchObject({ code: 'ThrottlingException', message: 'Rate exceeded', status: 400 })
        break
      }
    }
    return taken
  }
  expect(takeAll()).toBe(10)
  now += 500
  expect(takeAll()).toBe(5)
  now += 60_000
  expect(takeAll()).toBe(10)
})

test('operations have quotas of their own, and some have none', () => {
  const quotas = new Quotas({ CreateLogGroup: 1, CreateLogStream: 1 }, () => 0)
  quotas.take('CreateLogGroup')
  quotas.take('CreateLogStream')
  for (let call = 0; call < 100; call += 1) quotas.take('GetLogEvents')
  expect(() => quotas.take('CreateLogGroup')).toThrow('Rate exceeded')
})

test('the quotas are those of AWS', () => {
  expect(AWS_QUOTAS).toEqual({
    PutLogEvents: 5_000,
    CreateLogGroup: 10,
    CreateLogStream: 50,
    DescribeLogGroups: 10,
    DescribeLogStreams: 25,
    PutRetentionPolicy: 5,
    StartLiveTail: 5,
    TagResource: 5,
  })
})

test('a quota can be lowered, and all can be switched off', async () => {
  const describe = async (options: Parameters<typeof startCloudWatchLocal>[0]) => {
    const local = await startCloudWatchLocal(options)
    try {
      const answers = []
      for (let call = 0; call < 30; call += 1)
        answers.push(refusalOf(await callCloudWatch(local.url, 'DescribeLogGroups', {})))
      return new Set(answers)
    } finally {
      await local.close()
    }
  }
  const throttled = 'ThrottlingException: Rate exceeded'
  expect(await describe({ quotas: { DescribeLogGroups: 0 } })).toEqual(new Set([throttled]))
  expect(await describe({ quotas: false })).toEqual(new Set(['ok']))
})
