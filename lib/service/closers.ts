/** What was opened, to be closed in the reverse order. */
export class Closers {
  readonly #closers: (() => Promise<unknown>)[] = []

  add(close: () => Promise<unknown>): void {
    this.#closers.unshift(close)
  }

  /**
   * Closes everything, whatever fails on the way.
   *
   * @param earlier - What failed before, if anything; it says more than a failure of closing.
   * @throws The first failure of closing, once all is done, unless there was an earlier one.
   */
  async close(earlier?: unknown): Promise<void> {
    const failures: unknown[] = []
    for (const close of this.#closers) {
      await close().catch((failure: unknown) => failures.push(failure))
    }
    if (earlier === undefined && failures.length > 0) throw failures[0]
  }
}
