import { describeEngine } from './contract.ts'

describeEngine('tensorflow', { convolutionGradients: true })
