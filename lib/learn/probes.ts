import { defaultMinProbe, smallMinProbe } from './gate.ts'
import { heldOutPictures } from './held-out.ts'
import type { LearnerState, Picture } from './state.ts'

/** Held-out pictures that a model is judged on, and how many there must be. */
export interface JudgingPictures {
  readonly a: readonly Picture[]
  readonly b: readonly Picture[]
  /** Pictures that probe A needs before anything is promoted. */
  readonly minProbe: number
}

/**
 * The probes of a profile.
 *
 * While pictures are few all that are held out judge together: the more, the surer.
 */
export function probesOf(
  { heldOut }: Pick<LearnerState, 'heldOut'>,
  profile: 'small' | 'standard',
): JudgingPictures {
  return profile === 'small'
    ? { a: heldOutPictures(heldOut), b: [], minProbe: smallMinProbe }
    : { a: heldOut.a, b: heldOut.b, minProbe: defaultMinProbe }
}
