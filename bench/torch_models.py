"""The models of bench/gpu_peers.py in PyTorch, with random weights: the architectures of tests/models/structures.

Nothing is fetched. Where a choice is open it is the one that is faster for PyTorch: BERT gets no padding mask, YOLOv5s
reads its grid from memory instead of computing it.
"""
import torch
import torch.nn.functional as F
from torch import nn

ANCHORS = (((10, 13), (16, 30), (33, 23)), ((30, 61), (62, 45), (59, 119)), ((116, 90), (156, 198), (373, 326)))
STRIDES = (8, 16, 32)
NUM_VALUES = 85  # of a box: 4 coordinates, objectness, 80 classes


class ConvSilu(nn.Module):
    def __init__(self, in_channels, out_channels, kernel=1, stride=1, padding=None):
        super().__init__()
        padding = kernel // 2 if padding is None else padding
        self.conv = nn.Conv2d(in_channels, out_channels, kernel, stride, padding, bias=False)
        self.bn = nn.BatchNorm2d(out_channels)

    def forward(self, x):
        return F.silu(self.bn(self.conv(x)))


class Bottleneck(nn.Module):
    def __init__(self, channels, shortcut):
        super().__init__()
        self.c1 = ConvSilu(channels, channels)
        self.c2 = ConvSilu(channels, channels, 3)
        self.shortcut = shortcut

    def forward(self, x):
        y = self.c2(self.c1(x))
        return x + y if self.shortcut else y


class C3(nn.Module):
    def __init__(self, in_channels, out_channels, depth=1, shortcut=False):
        super().__init__()
        hidden = out_channels // 2
        self.c1 = ConvSilu(in_channels, hidden)
        self.m = nn.Sequential(*(Bottleneck(hidden, shortcut) for _ in range(depth)))
        self.c2 = ConvSilu(in_channels, hidden)
        self.c3 = ConvSilu(2 * hidden, out_channels)

    def forward(self, x):
        return self.c3(torch.cat((self.m(self.c1(x)), self.c2(x)), 1))


class Sppf(nn.Module):
    """Max pooling over 5, 9 and 13 pixels beside the input."""

    def __init__(self, channels):
        super().__init__()
        self.c1 = ConvSilu(channels, channels // 2)
        self.c2 = ConvSilu(2 * channels, channels)

    def forward(self, x):
        parts = [self.c1(x)]
        for _ in range(3):
            parts.append(F.max_pool2d(parts[-1], 5, 1, 2))
        return self.c2(torch.cat(parts, 1))


class Decode(nn.Module):
    """One scale of the head: [B, channels, h, w] to boxes [B, 3·h·w, 85] in pixels."""

    def __init__(self, channels, stride, anchors, cells):
        super().__init__()
        self.det = nn.Conv2d(channels, 3 * NUM_VALUES, 1)
        self.stride = stride
        rows, columns = torch.meshgrid(torch.arange(cells), torch.arange(cells), indexing="ij")
        self.register_buffer("grid", torch.stack((columns, rows), -1).float())
        self.register_buffer("anchors", torch.tensor(anchors).float().view(3, 1, 1, 2))

    def forward(self, x):
        batch, _, height, width = x.shape
        y = self.det(x).view(batch, 3, NUM_VALUES, height, width).permute(0, 1, 3, 4, 2).sigmoid()
        xy = (y[..., :2] * 2 - 0.5 + self.grid) * self.stride
        wh = (y[..., 2:4] * 2) ** 2 * self.anchors
        return torch.cat((xy, wh, y[..., 4:]), -1).reshape(batch, -1, NUM_VALUES)


class Yolov5s(nn.Module):
    """Version 6 with its decoding head: images [B, 3, 640, 640] of 0 to 1, to boxes [B, 25200, 85]."""

    def __init__(self, size=640):
        super().__init__()
        self.to_p3 = nn.Sequential(ConvSilu(3, 32, 6, 2, 2), ConvSilu(32, 64, 3, 2), C3(64, 64, 1, True),
                                   ConvSilu(64, 128, 3, 2), C3(128, 128, 2, True))
        self.to_p4 = nn.Sequential(ConvSilu(128, 256, 3, 2), C3(256, 256, 3, True))
        self.to_p5 = nn.Sequential(ConvSilu(256, 512, 3, 2), C3(512, 512, 1, True), Sppf(512))
        self.h10, self.h13, self.h14, self.h17 = ConvSilu(512, 256), C3(512, 256), ConvSilu(256, 128), C3(256, 128)
        self.h18, self.h20, self.h21, self.h23 = ConvSilu(128, 128, 3, 2), C3(256, 256), ConvSilu(256, 256, 3, 2), C3(512, 512)
        self.decode = nn.ModuleList(Decode(c, s, a, size // s) for c, s, a in zip((128, 256, 512), STRIDES, ANCHORS))

    def forward(self, images):
        p3 = self.to_p3(images)
        p4 = self.to_p4(p3)
        h10 = self.h10(self.to_p5(p4))
        h14 = self.h14(self.h13(torch.cat((F.interpolate(h10, scale_factor=2.0), p4), 1)))
        h17 = self.h17(torch.cat((F.interpolate(h14, scale_factor=2.0), p3), 1))
        h20 = self.h20(torch.cat((self.h18(h17), h14), 1))
        h23 = self.h23(torch.cat((self.h21(h20), h10), 1))
        return torch.cat([decode(x) for decode, x in zip(self.decode, (h17, h20, h23))], 1)


class BertLayer(nn.Module):
    def __init__(self, width=768, heads=12, inner=3072):
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(width, 3 * width)
        self.out = nn.Linear(width, width)
        self.norm1, self.norm2 = nn.LayerNorm(width, 1e-12), nn.LayerNorm(width, 1e-12)
        self.up, self.down = nn.Linear(width, inner), nn.Linear(inner, width)

    def forward(self, x):
        q, k, v = self.qkv(x).unflatten(-1, (3, self.heads, -1)).permute(2, 0, 3, 1, 4)
        attended = F.scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(2)
        x = self.norm1(x + self.out(attended))
        return self.norm2(x + self.down(F.gelu(self.up(x))))


class Bert(nn.Module):
    """BERT-base: token ids and types [B, S] to the last hidden states and the pooled output. With joined products, and
    without a mask, which would keep PyTorch from its fastest attention."""

    def __init__(self, width=768, layers=12, words=30522, positions=512):
        super().__init__()
        self.words, self.types = nn.Embedding(words, width), nn.Embedding(2, width)
        self.positions = nn.Parameter(torch.randn(positions, width))
        self.norm = nn.LayerNorm(width, 1e-12)
        self.layers = nn.Sequential(*(BertLayer(width) for _ in range(layers)))
        self.pooler = nn.Linear(width, width)

    def forward(self, input_ids, token_type_ids):
        x = self.norm(self.words(input_ids) + self.types(token_type_ids) + self.positions[: input_ids.shape[1]])
        x = self.layers(x)
        return x, torch.tanh(self.pooler(x[:, 0]))


def resnet50():
    from torchvision.models import resnet50 as make

    return make(weights=None)


MODELS = {"resnet50": resnet50, "bert": Bert, "yolov5s": Yolov5s}
SIZES = {"resnet50": 224, "yolov5s": 640}


def is_convolutional(name):
    return name in SIZES


def make_inputs(name, batch, sequence):
    """On the CPU, in the order of the model's arguments."""
    random = torch.Generator().manual_seed(0)
    if name == "bert":
        return [torch.randint(0, 30000, (batch, sequence), generator=random), torch.zeros(batch, sequence, dtype=torch.long)]
    return [torch.rand(batch, 3, SIZES[name], SIZES[name], generator=random)]


def settle(model, name):
    """Gives batch normalisations the statistics of random inputs: activations stay in FP16's range."""
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.momentum = 1.0
    model.train()
    model(*make_inputs(name, 2, 0))


def make_model(name):
    """On the CPU, in FP32, for inference."""
    torch.manual_seed(7)
    model = MODELS[name]()
    if is_convolutional(name):
        settle(model, name)
    return model.eval().requires_grad_(False)
