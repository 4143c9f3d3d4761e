"""Seeded calibration data of the right kind for the benchmarks' models: the same for Burnish and for every peer.

    bench/calibration_data.py resnet50 128 calibration.npz      model, sequence length of text, file to write

The benchmarks' weights are random, so these data need not mean anything; they only have to look like the real thing:
images are smooth (a sum of noises at several scales), token ids lie in the vocabulary, sentences have varying lengths.
"""
import sys

import numpy as np

VOCABULARY = 30522  # BERT's and MiniLM's
IMAGE_SIDES = {"resnet50": 224, "yolov5s": 640}
COUNTS = {"resnet50": 32, "yolov5s": 16, "bert": 32, "minilm": 64}


def smooth_images(count, side, random):
    """[count, 3, side, side] in [0, 1]: noise at five scales, the coarse ones strongest, over a random brightness."""
    images = random.uniform(0.3, 0.7, (count, 3, 1, 1)) * np.ones((1, 1, side, side))
    for cells, strength in ((4, 0.30), (8, 0.20), (16, 0.10), (32, 0.05), (side, 0.02)):
        coarse = random.standard_normal((count, 3, cells, cells))
        repeat = -(-side // cells)
        fine = coarse.repeat(repeat, 2).repeat(repeat, 3)[:, :, :side, :side]
        images += strength * fine
    return np.clip(images, 0, 1)


def image_samples(model, count, random):
    images = smooth_images(count, IMAGE_SIDES[model], random)
    if model == "yolov5s":
        return {"images": images.astype(np.float32)}
    mean, deviation = np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225])
    return {"input": ((images - mean[:, None, None]) / deviation[:, None, None]).astype(np.float32)}


def text_samples(count, length, random):
    """The first sample fills the whole length, the others are padded."""
    lengths = random.integers(length // 8, length + 1, count)
    lengths[0] = length
    mask = (np.arange(length)[None, :] < lengths[:, None]).astype(np.int64)
    ids = random.integers(1000, VOCABULARY, (count, length)) * mask
    ids[:, 0] = 101  # [CLS]
    ids[np.arange(count), lengths - 1] = 102  # [SEP]
    return {"input_ids": ids, "attention_mask": mask, "token_type_ids": np.zeros_like(mask)}


def samples_of(model, sequence, count=None, seed=11):
    """The model's inputs by name; the first dimension counts the samples."""
    random = np.random.default_rng(seed)
    count = count or COUNTS[model]
    return image_samples(model, count, random) if model in IMAGE_SIDES else text_samples(count, sequence, random)


if __name__ == "__main__":
    np.savez(sys.argv[3], **samples_of(sys.argv[1], int(sys.argv[2])))
