/** Where downloaded backbones are kept, outside every project and data folder. */
export function backboneCacheFolder(): string {
  return '/tmp/bb'
}
