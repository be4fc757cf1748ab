/** Label-free signals of one model on one probe, per picture. */
export interface ProbeSignals {
  /** Reciprocal rank of the source of hard augmented views, mean over views, shape [n], (0, 1]. */
  readonly mrr: Float32Array
  /** Jaccard overlap of the neighbours of a hard view and of the plain one, shape [n], [0, 1]. */
  readonly consistency: Float32Array
}

/** Label-free signals of one model. */
export interface ModelSignals {
  /** On old held-out pictures. */
  readonly a: ProbeSignals
  /** On recent ones; absent while they are too few to be told from old ones. */
  readonly b?: ProbeSignals
  readonly dim: number
  /** RankMe of probe A, in [0, min(d, n)]. */
  readonly effectiveRank: number
  /** 1 − mean cosine before centring, in [0, 2]. */
  readonly spread: number
  /** Watched, never decisive. */
  readonly watched: Readonly<Record<string, number>>
}

/** Figures of a labelled probe, per query. */
export interface LabelledSignals {
  readonly mapAtR: Float32Array
  readonly recallAt1: Float32Array
}

/** What the gate compares. */
export interface GateInput {
  readonly candidate: ModelSignals
  readonly champion: ModelSignals
  readonly baseline: ModelSignals
  /** Whether the champion is the frozen backbone, which has learnt nothing that could be lost. */
  readonly isChampionBaseline: boolean
  /**
   * Mean overlap of the nearest neighbours of candidate and champion on probe A, [0, 1]; undefined
   * beside the frozen backbone, which nobody has built upon yet.
   */
  readonly overlap: number | undefined
  /** Why the artifact does not load and serve; undefined when it does. */
  readonly artifactFault: string | undefined
  readonly labelled?: {
    readonly candidate: LabelledSignals
    readonly champion: LabelledSignals
    readonly baseline: LabelledSignals
  }
}
