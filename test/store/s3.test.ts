import { describeBlobStore, describeDocumentStore } from './contract.ts'
import { s3BlobHarness, s3DocumentHarness } from './s3-harness.ts'

describeBlobStore('s3', s3BlobHarness)
describeDocumentStore('s3', s3DocumentHarness)
