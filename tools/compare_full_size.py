"""Compares `fpn detect` with torchvision on a full-size fasterrcnn_resnet50_fpn with random weights:

    python3 tools/compare_full_size.py save r50.pth
    fpn detect PICTURE --model r50.pth --score 0.05 --no-pictures --json found.jsonl
    python3 tools/compare_full_size.py compare r50.pth PICTURE found.jsonl

Prints how many of the objects that torchvision finds in float64 are also found in float32, by torchvision and by fpn, with the
same class and an IoU above a threshold; and how many of torchvision's in float32 fpn finds. `save` calibrates the batch norms
on noise and scales the heads' weights up, so that some boxes exceed the score threshold.
"""
import json, sys
import numpy as np
import torch
from PIL import Image
from torchvision.models.detection import fasterrcnn_resnet50_fpn
from torchvision.ops import box_iou


def build():
    torch.manual_seed(0)
    return fasterrcnn_resnet50_fpn(weights=None, weights_backbone=None, norm_layer=torch.nn.BatchNorm2d)


def save(path):
    model = build()
    for m in model.modules():
        if isinstance(m, torch.nn.BatchNorm2d):
            m.momentum = None
    model.backbone.train()
    with torch.no_grad():
        model.backbone(torch.randn(2, 3, 256, 256))
        for layer, factor in ((model.rpn.head.cls_logits, 8), (model.rpn.head.bbox_pred, 8), (model.roi_heads.box_predictor.cls_score, 6)):
            layer.weight.mul_(factor)
    torch.save(model.state_dict(), path)


def found(model, image, dtype):
    with torch.no_grad():
        det = model.to(dtype).eval()([image.to(dtype)])[0]
    return det["boxes"].double(), det["labels"]


def count(wanted, given, threshold):
    same = (wanted[1][:, None] == given[1][None]) & (box_iou(wanted[0], given[0]) > threshold)
    return int(same.any(1).sum())


def compare(weights, picture, lines):
    model = build()
    model.load_state_dict(torch.load(weights))
    image = torch.from_numpy(np.asarray(Image.open(picture).convert("RGB")).copy()).permute(2, 0, 1).float() / 255
    exact, single = found(model, image, torch.float64), found(model, image, torch.float32)
    with open(lines) as f:
        listed = json.loads(f.readline())["detections"]
    ours = torch.tensor([d["box"] for d in listed], dtype=torch.float64), torch.tensor([d["class_id"] for d in listed])
    print(f"{len(exact[1])} objects in float64, {len(single[1])} in torchvision's float32, {len(ours[1])} in fpn's")
    for threshold in (0.5, 0.9, 0.99):
        print(f"IoU > {threshold}: of float64's torchvision finds {count(exact, single, threshold)}, fpn {count(exact, ours, threshold)}; "
              f"of torchvision's float32 fpn finds {count(single, ours, threshold)}")


if __name__ == "__main__":
    {"save": save, "compare": compare}[sys.argv[1]](*sys.argv[2:])
