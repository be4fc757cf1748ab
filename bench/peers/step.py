"""One training step and one embedding pass of PyTorch, a line of JSON a network and memory layout.

The networks, sizes and loss (mean square of the pooled features) of bench/speed/step.ts, Adam with
coupled weight decay. PyTorch's own default is `contiguous`; `channels-last` is its faster one here.

    python3 -m venv venv && venv/bin/pip install -r bench/peers/requirements-torch.txt
    venv/bin/python bench/peers/step.py [--networks conv4,mobilenet-v2] [--repeats 30]
"""

import argparse
import json
import sys
import time

import torch
from torch import nn

BATCH = 120
WARM_UPS = 20


def same_padding(size: int, stride: int) -> tuple[int, int]:
    """TensorFlow's `same` padding of a 3x3 kernel: uneven at stride 2 on even sizes."""
    total = 2 if stride == 1 else (1 if size % 2 == 0 else 2)
    return total // 2, total - total // 2


class Convolution(nn.Module):
    """Convolution with TensorFlow's padding, batch norm or bias, and relu6."""

    def __init__(self, inputs, outputs, kernel, stride, groups=1, norm=False, active=True):
        super().__init__()
        self.kernel, self.stride, self.active = kernel, stride, active
        self.conv = nn.Conv2d(
            inputs, outputs, kernel, stride, padding=1 if kernel == 3 and stride == 1 else 0,
            groups=groups, bias=not norm,
        )
        self.norm = nn.BatchNorm2d(outputs) if norm else None

    def forward(self, x):
        if self.kernel == 3 and self.stride == 2:
            before, after = same_padding(x.shape[2], 2)
            x = nn.functional.pad(x, (before, after, before, after))
        x = self.conv(x)
        if self.norm is not None:
            x = self.norm(x)
        return nn.functional.relu6(x, inplace=True) if self.active else x


def mobilenet_v1(width: float) -> nn.Module:
    """MobileNetV1 with folded batch norms, as the artifact in the shared models folder."""
    plan = [(64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2)]
    plan += [(512, 1)] * 5 + [(1024, 2), (1024, 1)]
    channels = int(32 * width)
    layers = [Convolution(3, channels, 3, 2)]
    for outputs, stride in plan:
        layers.append(Convolution(channels, channels, 3, stride, groups=channels))
        layers.append(Convolution(channels, int(outputs * width), 1, 1))
        channels = int(outputs * width)
    return nn.Sequential(*layers)


class Bottleneck(nn.Module):
    """Inverted residual block of MobileNetV2."""

    def __init__(self, inputs, outputs, expansion, stride):
        super().__init__()
        wide = inputs * expansion
        layers = [] if expansion == 1 else [Convolution(inputs, wide, 1, 1, norm=True)]
        layers.append(Convolution(wide, wide, 3, stride, groups=wide, norm=True))
        layers.append(Convolution(wide, outputs, 1, 1, norm=True, active=False))
        self.layers = nn.Sequential(*layers)
        self.residual = stride == 1 and inputs == outputs

    def forward(self, x):
        return x + self.layers(x) if self.residual else self.layers(x)


def mobilenet_v2() -> nn.Module:
    """MobileNetV2 with its batch norms' statistics frozen and their affine weights trained."""
    plan = [(1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1)]
    plan += [(6, 160, 3, 2), (6, 320, 1, 1)]
    layers, channels = [Convolution(3, 32, 3, 2, norm=True)], 32
    for expansion, outputs, count, stride in plan:
        for index in range(count):
            layers.append(Bottleneck(channels, outputs, expansion, stride if index == 0 else 1))
            channels = outputs
    layers.append(Convolution(channels, 1280, 1, 1, norm=True))
    return nn.Sequential(*layers)


def conv4() -> nn.Module:
    """Four 3x3 convolutions of 64 with batch norm, relu and 2x2 max pooling."""
    layers, channels = [], 1
    for _ in range(4):
        layers += [nn.Conv2d(channels, 64, 3, padding=1, bias=False), nn.BatchNorm2d(64)]
        layers += [nn.ReLU(inplace=True), nn.MaxPool2d(2)]
        channels = 64
    return nn.Sequential(*layers)


NETWORKS = {
    # name: build, side in pixels, channels, whether batch statistics are trained
    "mobilenet-v1-0.25": (lambda: mobilenet_v1(0.25), 64, 3, False),
    "mobilenet-v1-0.5": (lambda: mobilenet_v1(0.5), 64, 3, False),
    "conv4": (conv4, 28, 1, True),
    "mobilenet-v2": (mobilenet_v2, 96, 3, False),
}


LAYOUTS = {"contiguous": torch.contiguous_format, "channels-last": torch.channels_last}


def clock(call, repeats: int) -> tuple[float, float]:
    """Shortest and median milliseconds of a call, once it is warm."""
    for _ in range(WARM_UPS):
        call()
    times = []
    for _ in range(repeats):
        begin = time.perf_counter()
        call()
        times.append((time.perf_counter() - begin) * 1000)
    times.sort()
    return round(times[0], 2), round(times[repeats // 2], 2)


def measure(name: str, layout: str, repeats: int) -> dict:
    """Times one network in one memory layout."""
    build, side, channels, training = NETWORKS[name]
    torch.manual_seed(1)
    network = build().to(memory_format=LAYOUTS[layout])
    images = torch.rand(BATCH, channels, side, side).to(memory_format=LAYOUTS[layout])
    optimizer = torch.optim.Adam(network.parameters(), lr=1e-4, weight_decay=5e-4)

    def step():
        network.train(training)
        optimizer.zero_grad()
        loss = network(images).mean((2, 3)).square().mean()
        loss.backward()
        optimizer.step()
        return loss.item()

    @torch.inference_mode()
    def embed():
        network.eval()
        return network(images).mean((2, 3)).numpy()

    embed_ms, embed_median_ms = clock(embed, repeats)
    step_ms, step_median_ms = clock(step, repeats)
    return {
        "bench": "step",
        "library": f"torch {torch.__version__.split('+')[0]}, {layout}",
        "threads": torch.get_num_threads(),
        "network": name,
        "batch": BATCH,
        "stepMs": step_ms,
        "stepMedianMs": step_median_ms,
        "embedMs": embed_ms,
        "embedMedianMs": embed_median_ms,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--networks", default=",".join(NETWORKS))
    parser.add_argument("--repeats", type=int, default=30)
    args = parser.parse_args()
    for name in args.networks.split(","):
        for layout in LAYOUTS:
            print(json.dumps(measure(name, layout, args.repeats)), flush=True)


if __name__ == "__main__":
    main()
