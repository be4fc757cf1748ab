import { createRequire } from 'node:module'
import type * as TensorFlow from '@tensorflow/tfjs'

/**
 * TensorFlow.js, the one door to it: every file of the project takes `tf` from here.
 *
 * Loaded by `createRequire` because the ES modules of `tfjs-core` do not resolve in Node; the
 * whole `@tensorflow/tfjs`, because it registers the gradients in the registry that all copies
 * share. Importing this file chooses no engine: see `engine/select.ts`.
 */
export const tf: typeof TensorFlow = createRequire(import.meta.url)('@tensorflow/tfjs')

/** A tensor of any rank. */
export type Tensor = TensorFlow.Tensor
/** A tensor of rank 0, shape []. */
export type Scalar = TensorFlow.Scalar
/** A tensor of rank 1. */
export type Tensor1D = TensorFlow.Tensor1D
/** A tensor of rank 2. */
export type Tensor2D = TensorFlow.Tensor2D
/** A tensor of rank 4, [batch, height, width, channels]. */
export type Tensor4D = TensorFlow.Tensor4D
/** A trainable tensor. */
export type Variable = TensorFlow.Variable
/** Tensors by name. */
export type NamedTensors = TensorFlow.NamedTensorMap
/** A network of stock layers. */
export type LayersModel = TensorFlow.LayersModel
/** The bytes and topology of a network, as TensorFlow.js saves and loads it. */
export type ModelArtifacts = TensorFlow.io.ModelArtifacts
