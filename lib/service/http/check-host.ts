import { isIP } from 'node:net'

/** Whether only this machine reaches an address that a server listens on. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127(\.\d{1,3}){3}$/.test(host)
}

/** Whether others than this machine may come: directly, or by a name that a proxy is sent. */
export function isReachable(host: string, names: readonly string[]): boolean {
  return !isLoopback(host) || names.length > 0
}

/** The name in a Host header, without port and brackets. */
function nameOf(header: string): string | undefined {
  const [, bracketed, plain] =
    /^(?:\[([0-9a-fA-F:.]+)\]|([^:[\]/@\s]+))(?::\d{1,5})?$/.exec(header) ?? []
  return (bracketed ?? plain)?.toLowerCase()
}

/**
 * Whether a Host header names us. A browser that a hostile page sends here by a name of its own
 * (DNS rebinding) still says that name; an address cannot be rebound.
 *
 * @param names - Names to answer to, besides `localhost` and addresses.
 */
export function isOurHost(header: string | undefined, names: readonly string[]): boolean {
  const name = nameOf(header ?? '')
  if (name === undefined) return false
  return name === 'localhost' || isIP(name) !== 0 || names.some((one) => one.toLowerCase() === name)
}
