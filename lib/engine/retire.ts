import { type Tensor, tf } from './tf.ts'

/** What TensorFlow.js keeps about the pass that runs. */
interface EngineState {
  readonly gradientDepth: number
  readonly activeScope: { readonly id: number } | null
}
type Tracked = Tensor & { readonly scopeId?: number }

/** What the step before this one used, given back once this one begins. */
let retiring: readonly Tensor[] = []

/**
 * Gives back what a gradient used as soon as the next gradient begins.
 *
 * TensorFlow.js keeps every slope and every activation to the end of the backward pass; this halves
 * the peak, and the memory that comes back is still in the processor's caches. Left alone are the
 * caller's own `dy` (it is of another scope) and every pass of which a second derivative is taken.
 */
function retire(dy: Tensor | Tensor[], saved: readonly Tensor[]): void {
  for (const tensor of retiring) if (!tensor.isDisposed) tensor.dispose()
  const { gradientDepth, activeScope } = (tf.engine() as unknown as { state: EngineState }).state
  const slopes = (Array.isArray(dy) ? dy : [dy]) as Tracked[]
  const isOurs = gradientDepth === 0 && activeScope !== null
  retiring = isOurs ? [...slopes.filter((slope) => slope.scopeId === activeScope.id), ...saved] : []
}

/** Has the gradient of a kernel give back what it used; see {@link retire}. */
export function retireAfter(kernelName: string): void {
  const gradient = tf.getGradient(kernelName)
  tf.registerGradient({
    ...gradient,
    gradFunc: (dy, saved, attributes) => {
      retire(dy, saved)
      return gradient.gradFunc(dy, saved, attributes)
    },
  })
}
