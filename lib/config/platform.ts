import { environmentNames } from './names.ts'

/** What the platform that a role runs on says of itself. */
export interface Platform {
  /** Whether it wants metrics as lines of the log. */
  readonly metricLines: boolean
  /** Where the agent of Amazon ECS answers; absent elsewhere. */
  readonly ecsAgent: string | undefined
}

/** @param environment - Default: that of the process. */
export function platform(
  environment: Readonly<Record<string, string | undefined>> = process.env,
): Platform {
  return {
    metricLines: environment[environmentNames.metricLines] === 'true',
    ecsAgent: environment['ECS_AGENT_URI'],
  }
}
