import { describeExactIndex } from './contract.ts'

describeExactIndex('wasm')
