"""Trains torchvision's Mask R-CNN or Faster R-CNN by a configuration of `fpn train`, to compare the two:

    python3 tools/train_torchvision.py CONFIGURATION.json OUT.pth

docs/training.md has the commands. It reads `data.coco`, whose masks are compressed run lengths as `fpn shapes` writes them, a
ResNet-18 `network` with live batch norms, `schedule` with cosine decay, `rpn`, `box_head` and `model`. Needs PyTorch and torchvision
(Debian: python3-torchvision, libopenblas0-pthread).
"""
import json, math, os, random, sys, time
import numpy as np
import torch
from PIL import Image
from torch import nn
from torchvision.models.detection import FasterRCNN, MaskRCNN
from torchvision.models.detection.anchor_utils import AnchorGenerator
from torchvision.models.detection.backbone_utils import BackboneWithFPN
from torchvision.models.detection.faster_rcnn import FastRCNNPredictor, TwoMLPHead
from torchvision.models.detection.mask_rcnn import MaskRCNNHeads, MaskRCNNPredictor
from torchvision.models.resnet import BasicBlock, ResNet
from torchvision.ops.feature_pyramid_network import LastLevelMaxPool


class NarrowResNet18(ResNet):
    """ResNet-18 whose stages have the given widths (torchvision's own are 64, 128, 256, 512)."""

    def __init__(self, widths):
        nn.Module.__init__(self)
        self._norm_layer, self.inplanes, self.dilation, self.groups, self.base_width = nn.BatchNorm2d, widths[0], 1, 1, 64
        self.conv1 = nn.Conv2d(3, widths[0], 7, 2, 3, bias=False)
        self.bn1, self.relu, self.maxpool = nn.BatchNorm2d(widths[0]), nn.ReLU(inplace=True), nn.MaxPool2d(3, 2, 1)
        for i, width in enumerate(widths):
            setattr(self, f"layer{i + 1}", self._make_layer(BasicBlock, width, 2, stride=1 if i == 0 else 2))
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")


def build(configuration, classes):
    network, model = configuration["network"], configuration["model"]
    if network["layout"] != "resnet18" or network.get("batch_norm", "live") != "live":
        sys.exit("The network must be a resnet18 with live batch norms.")
    pyramid, hidden, widths = network["pyramid_channels"], network["head_channels"], network["widths"]
    backbone = BackboneWithFPN(NarrowResNet18(widths), {f"layer{i}": str(i - 1) for i in range(1, 5)}, widths, pyramid, LastLevelMaxPool())
    sizes = model["anchor_sizes"]
    common = dict(
        rpn_anchor_generator=AnchorGenerator(tuple((s,) for s in sizes), ((0.5, 1.0, 2.0),) * len(sizes)),
        box_head=TwoMLPHead(pyramid * 49, hidden), box_predictor=FastRCNNPredictor(hidden, classes),
        min_size=model["min_size"], max_size=model["max_size"], box_batch_size_per_image=configuration["box_head"]["samples"],
        rpn_pre_nms_top_n_train=configuration["rpn"]["pre_nms_top_n"], rpn_post_nms_top_n_train=configuration["rpn"]["post_nms_top_n"])
    if model["detector"] == "faster-rcnn":
        return FasterRCNN(backbone, **common)
    channels = network["mask_channels"]
    return MaskRCNN(
        backbone, mask_head=MaskRCNNHeads(pyramid, (channels,) * 4, 1),
        mask_predictor=MaskRCNNPredictor(channels, channels, classes), **common)


def load(model, path):
    """Copies every tensor of a safetensors file that has the name and shape of one of the model's."""
    with open(path, "rb") as file:
        content = file.read()
    start = 8 + int.from_bytes(content[:8], "little")
    own = model.state_dict()
    for name, tensor in json.loads(content[8:start]).items():
        if name in own and list(own[name].shape) == tensor["shape"]:
            begin, end = tensor["data_offsets"]
            values = np.frombuffer(content[start + begin:start + end], dict(F32=np.float32, F16=np.float16)[tensor["dtype"]])
            own[name].copy_(torch.from_numpy(values.astype(np.float32)).reshape(own[name].shape))


def decode(segmentation):
    """A mask from COCO's compressed run lengths: column by column, runs of 0 and 1 in turn, from the third on as differences."""
    runs, at, text = [], 0, segmentation["counts"].encode()
    while at < len(text):
        value, shift, more = 0, 0, True
        while more:
            byte = text[at] - 48
            value |= (byte & 31) << shift
            shift, at, more = shift + 5, at + 1, byte & 32
        if byte & 16:
            value -= 1 << shift
        runs.append(value + runs[-2] if len(runs) > 2 else value)
    height, width = segmentation["size"]
    return np.repeat(np.arange(len(runs)) % 2, runs).astype(np.uint8).reshape(width, height).T


def sample(picture, objects, folder, label_of):
    """A picture in 0…1, mirrored half of the time, and its objects."""
    pixels = np.array(Image.open(os.path.join(folder, picture["file_name"])).convert("RGB"))
    pixels = torch.from_numpy(pixels).permute(2, 0, 1) / 255
    boxes = torch.tensor([o["bbox"] for o in objects], dtype=torch.float32)
    boxes[:, 2:] += boxes[:, :2]
    masks = torch.from_numpy(np.stack([decode(o["segmentation"]) for o in objects]))
    if random.random() < .5:
        pixels, masks, width = pixels.flip(2), masks.flip(2), picture["width"]
        boxes = torch.stack([width - boxes[:, 2], boxes[:, 1], width - boxes[:, 0], boxes[:, 3]], 1)
    return pixels, dict(boxes=boxes, masks=masks, labels=torch.tensor([label_of[o["category_id"]] for o in objects]))


def batches(coco, folder, size, label_of):
    """Batches without end: all pictures that have objects in a new order, again and again."""
    objects = {}
    for annotation in coco["annotations"]:
        if not annotation["iscrowd"]:
            objects.setdefault(annotation["image_id"], []).append(annotation)
    pictures, order = [p for p in coco["images"] if p["id"] in objects], []
    while True:
        while len(order) < size:
            order += random.sample(pictures, len(pictures))
        yield zip(*[sample(p, objects[p["id"]], folder, label_of) for p in order[:size]])
        del order[:size]


def rate(learning_rate, step, steps, warmup):
    decayed = .005 + .995 * .5 * (1 + math.cos(math.pi * step / steps))
    return learning_rate * min(1, (step + 1) / max(1, warmup)) * decayed


def main(path, out):
    with open(path) as file:  # .NET's JSON may have comments.
        configuration = json.loads("".join(line for line in file if not line.lstrip().startswith("//")))
    seed = configuration.get("seed", 0)
    torch.manual_seed(seed)
    random.seed(seed)
    data, schedule = configuration["data"]["coco"], configuration["schedule"]
    if schedule["decay"] != "cosine":
        sys.exit("schedule.decay must be cosine.")
    within = lambda name: os.path.join(os.path.dirname(os.path.abspath(path)), name)
    coco = json.load(open(within(data["annotations"])))
    label_of = {category: i + 1 for i, category in enumerate(sorted(c["id"] for c in coco["categories"]))}
    model = build(configuration, len(label_of) + 1).train()
    if "weights" in configuration["network"]:
        load(model, within(configuration["network"]["weights"]))
    optimiser = torch.optim.SGD(model.parameters(), lr=schedule["learning_rate"], momentum=.9, weight_decay=1e-4)
    start, steps, warmup = time.time(), schedule["steps"], schedule.get("warmup_steps", 100)
    for step, (pictures, targets) in zip(range(steps), batches(coco, within(data["pictures"]), schedule["batch"], label_of)):
        for group in optimiser.param_groups:
            group["lr"] = rate(schedule["learning_rate"], step, steps, warmup)
        losses = model(list(pictures), list(targets))
        optimiser.zero_grad()
        sum(losses.values()).backward()
        nn.utils.clip_grad_norm_(model.parameters(), 5.)
        optimiser.step()
        if (step + 1) % 50 == 0:
            shown = ", ".join(f"{name} {float(loss):.3f}" for name, loss in losses.items())
            print(f"step {step + 1}: {shown}, {(time.time() - start) / (step + 1):.2f} s a step", flush=True)
    torch.save(model.state_dict(), out)


main(*sys.argv[1:])
