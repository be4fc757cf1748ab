import { describeEngine } from './contract.ts'

describeEngine('wasm', { convolutionGradients: false })
