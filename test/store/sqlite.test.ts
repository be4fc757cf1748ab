import { describeDocumentStore } from './contract.ts'
import { documentHarness } from './local-harness.ts'

describeDocumentStore('sqlite', documentHarness)
