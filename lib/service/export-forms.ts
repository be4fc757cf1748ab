/** A picture with its vector, as exports write it. */
export interface ExportedPicture {
  readonly id: string
  readonly source: string
  /** Identity of its cluster; absent for a picture that is in none. */
  readonly cluster: number | undefined
  /** What people call the cluster. */
  readonly name: string | undefined
  /** Its point on the map of the version. */
  readonly x: number
  readonly y: number
  readonly vector: Float32Array
}

/** Text files that pictures are written to, line by line. */
export interface ExportForm {
  /** First line of each file; empty: none. */
  readonly heads: Readonly<Record<string, string>>
  /** The line of a picture in each file, in the order of `heads`. */
  lines(picture: ExportedPicture): readonly string[]
}

/** Nine digits bring a float32 back as it was. */
const digits = (value: number): string => String(Number(value.toPrecision(9)))

/** A field of comma-separated values (RFC 4180). */
function field(text: string): string {
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}

/** A field between tabs, which cannot hold one. */
const cell = (text: string): string => text.replaceAll(/[\t\r\n]/g, ' ')

/** One row a picture; the numbers of its vector are one field, with spaces between them. */
export const csvForm: ExportForm = {
  heads: { 'vectors.csv': 'id,source,cluster,name,x,y,vector' },
  lines: ({ id, source, cluster, name, x, y, vector }) => [
    [
      ...[id, field(source), cluster ?? '', field(name ?? ''), digits(x), digits(y)],
      Array.from(vector, digits).join(' '),
    ].join(','),
  ],
}

/** Vectors and what is known of them side by side, as TensorBoard's projector reads them. */
export const projectorForm: ExportForm = {
  heads: { 'vectors.tsv': '', 'metadata.tsv': 'id\tsource\tcluster\tname' },
  lines: ({ id, source, cluster, name, vector }) => [
    Array.from(vector, digits).join('\t'),
    [id, cell(source), cluster ?? '', cell(name ?? '')].join('\t'),
  ],
}

/** A cluster, as exports write it. */
export interface ExportedCluster {
  readonly id: number
  readonly name: string | undefined
  readonly size: number
  readonly cohesion: number
  /** Round. */
  readonly bornIn: number
}

/** All clusters as comma-separated values. */
export function clustersCsv(clusters: readonly ExportedCluster[]): string {
  const rows = clusters.map(({ id, name, size, cohesion, bornIn }) =>
    [id, field(name ?? ''), size, digits(cohesion), bornIn].join(','),
  )
  return `${['id,name,size,cohesion,bornIn', ...rows].join('\n')}\n`
}

/** Where TensorBoard finds what {@link projectorForm} writes. */
export function projectorConfig(version: string): string {
  return `embeddings {
  tensor_name: "${version}"
  tensor_path: "vectors.tsv"
  metadata_path: "metadata.tsv"
}
`
}
