/**
 * Share of the optimiser's rate that is used at a place in the round: all of it, then less and less
 * in a straight line to 0.
 *
 * @param place - How much of the round is over, by steps or by time, [0, 1] or a little beyond.
 * @param cooldown - Share of the round over which the rate falls, [0, 1]; 0: never.
 * @returns Range [0, 1].
 */
export function rateShare(place: number, cooldown: number): number {
  if (cooldown === 0) return 1
  return Math.min(1, Math.max(0, 1 - place) / cooldown)
}
