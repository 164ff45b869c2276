import type { CommandEntry } from '../../../component/command.ts'

/** The exporter's commands. Each is loaded when it runs. */
export const COMMANDS: readonly CommandEntry[] = [
  {
    name: 'tail',
    summary: 'print events of log groups as they arrive',
    load: () => import('./tail/tail.ts'),
  },
  {
    name: 'explain',
    summary: 'show what a config does with log records, and what they cost',
    load: () => import('./explain/explain.ts'),
  },
  {
    name: 'iam-policy',
    summary: 'print the least IAM policy for a config',
    load: () => import('./policy/policy.ts'),
  },
  {
    name: 'doctor',
    summary: 'check access to CloudWatch Logs, with a canary event',
    load: () => import('./doctor/doctor.ts'),
  },
  {
    name: 'dead-letters list',
    summary: 'list events that CloudWatch refused, and why',
    load: () => import('./list.ts'),
  },
  {
    name: 'dead-letters show',
    summary: 'print dead letters with their events',
    load: () => import('./show.ts'),
  },
  {
    name: 'dead-letters replay',
    summary: 'queue dead letters again',
    load: () => import('./replay.ts'),
  },
]
