/** Marks the file as ours: "CSTR" in ASCII. */
export const applicationId: number = 0x43535452

/** Tables of `contrastream.db`: the log of records, consumer groups, documents, rows of blobs. */
const tables = `
CREATE TABLE meta     (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
CREATE TABLE topic    (name TEXT PRIMARY KEY, partitions INTEGER NOT NULL, policy TEXT NOT NULL,
  max_bytes INTEGER NOT NULL) STRICT;
CREATE TABLE part     (id INTEGER PRIMARY KEY, topic TEXT NOT NULL REFERENCES topic, n INTEGER NOT NULL,
  low INTEGER NOT NULL, next INTEGER NOT NULL, bytes INTEGER NOT NULL, UNIQUE (topic, n)) STRICT;
CREATE TABLE record   (part INTEGER NOT NULL REFERENCES part, off INTEGER NOT NULL, at INTEGER NOT NULL,
  key BLOB, value BLOB NOT NULL, headers TEXT, compact INTEGER NOT NULL,
  PRIMARY KEY (part, off)) STRICT, WITHOUT ROWID;
CREATE INDEX record_key ON record (part, key) WHERE compact = 1;
CREATE TABLE member   (grp TEXT PRIMARY KEY, owner TEXT NOT NULL, epoch INTEGER NOT NULL,
  beat INTEGER NOT NULL) STRICT;
CREATE TABLE position (grp TEXT NOT NULL, part INTEGER NOT NULL, next INTEGER NOT NULL,
  at INTEGER NOT NULL, PRIMARY KEY (grp, part)) STRICT;
CREATE TABLE document (key TEXT PRIMARY KEY, tag INTEGER NOT NULL, value TEXT NOT NULL) STRICT;
CREATE TABLE blob     (space TEXT NOT NULL, digest TEXT NOT NULL, bytes INTEGER NOT NULL,
  at INTEGER NOT NULL, kept INTEGER NOT NULL, PRIMARY KEY (space, digest)) STRICT;
`

/** A schema, and how older files become such. */
export interface SchemaHistory {
  /** A program reads this number and older ones, never a newer one. */
  readonly version: number
  /** SQL that makes it in an empty file. */
  readonly tables: string
  /** SQL that leads from each number to the next one. */
  readonly steps: Readonly<Record<number, string>>
}

/**
 * The schema of this program. Whoever changes the tables raises the number, and adds the step that
 * leads there; steps that were released are never changed.
 */
export const schemaHistory: SchemaHistory = { version: 1, tables, steps: {} }
