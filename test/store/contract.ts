/** What the two stores mean: an adapter may be chosen only when its suite passes. */
export { describeBlobStore } from './contract-blobs.ts'
export { describeDocumentStore } from './contract-documents.ts'
