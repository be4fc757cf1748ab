/**
 * A file beside the one that asks, whether the program runs from its sources or from its build.
 *
 * @param from - `import.meta.url` of the file that asks.
 * @param name - Without its ending.
 */
export function sibling(from: string, name: string): URL {
  return new URL(`./${name}${from.endsWith('.ts') ? '.ts' : '.js'}`, from)
}
