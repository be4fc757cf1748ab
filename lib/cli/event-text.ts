import type { PipelineEvent } from '../service/events.ts'

const whole = (value: number): string => value.toLocaleString('en-US')

/** An event as a line for people. */
export function eventText(event: PipelineEvent): string {
  switch (event.event) {
    case 'engine':
      return `engine  ${event.name} on ${event.device}`
    case 'note':
      return `note    ${event.text}`
    case 'resumed':
      return `learn   resumed with ${whole(event.applied)} pictures, ${whole(event.buffered)} buffered`
    case 'round-began':
      return `learn   round ${event.round} began: ${whole(event.pictures)} pictures, ${whole(event.fresh)} new, k = ${event.k}`
    case 'round': {
      const what = event.version === undefined ? event.verdict : `${event.verdict} ${event.version}`
      return `learn   round ${event.round}: ${what}, ${event.reason} (${event.steps} steps, ${Math.round(event.seconds)}s)`
    }
    case 'stable':
      return `learn   stable = ${event.version}: ${event.why}`
    case 'not-released':
      return `learn   ${event.version} waits: ${event.why}`
    case 'generation': {
      const why = event.reason === undefined ? '' : `: ${event.reason}`
      return `embed   index ${event.generation} is ${event.state}, ${whole(event.vectors)} vectors${why}`
    }
    case 'released':
      return `embed   stable = ${event.version}, index of ${whole(event.vectors)} vectors complete`
    case 'serving':
      return `serve   ${event.version} answers, ${whole(event.vectors)} vectors`
    case 'bad-release':
      return `serve   ${event.version} was not taken over: ${event.reason}`
    case 'listening':
      return `serve   ${event.data} · admin ${event.admin}`
    case 'restart':
      return `${event.role.padEnd(7)} ended: ${event.why}; again in ${Math.round(event.afterMs / 1000)}s`
  }
}
