"""Times the evaluation of a truth and results as large as COCO's val2017:

    python3 tools/time_evaluation.py OUT                # writes OUT/truth.json and OUT/results.json; the folder OUT must exist
    time fpn eval --truth OUT/truth.json --results OUT/results.json --kind bbox
    python3 tools/time_evaluation.py OUT --pycocotools  # times pycocotools on the boxes of the same files

There are 5000 pictures with 7 objects and 100 detections each, of 80 classes. Most detections are near an object. Masks are
octagons.
"""
import json, sys, time
import numpy as np

PICTURES, OBJECTS, DETECTIONS, CLASSES, SIDE = 5000, 7, 100, 80, 640
TURNS = np.linspace(0, 2 * np.pi, 8, endpoint=False)


def octagon(x, y, w, h):
    return [[round(float(v), 1) for t in TURNS for v in (x + w / 2 * (1 + np.cos(t)), y + h / 2 * (1 + np.sin(t)))]]


def write(out):
    random = np.random.default_rng(0)
    annotations, results = [], []
    for picture in range(1, PICTURES + 1):
        sides = np.exp(random.uniform(np.log(10), np.log(400), (OBJECTS, 2)))
        boxes = np.concatenate([random.uniform(0, SIDE - sides), sides], 1)
        classes = random.integers(1, CLASSES + 1, OBJECTS)
        for box, kind in zip(boxes, classes):
            annotations.append(dict(id=len(annotations) + 1, image_id=picture, category_id=int(kind), iscrowd=0,
                                    bbox=[round(float(v), 1) for v in box], area=float(box[2] * box[3]) * .7, segmentation=octagon(*box)))
        for near in random.integers(0, OBJECTS, DETECTIONS):
            x, y, w, h = boxes[near] * random.normal(1, .15, 4).clip(.3, 2)
            kind = classes[near] if random.random() < .5 else random.integers(1, CLASSES + 1)
            results.append(dict(image_id=picture, category_id=int(kind), score=round(float(random.random()), 4),
                                bbox=[round(float(v), 1) for v in (x, y, w, h)], segmentation=octagon(x, y, w, h)))
    truth = dict(images=[dict(id=i, width=SIDE, height=SIDE, file_name=f"{i}.png") for i in range(1, PICTURES + 1)],
                 categories=[dict(id=i, name=f"class{i}") for i in range(1, CLASSES + 1)], annotations=annotations)
    json.dump(truth, open(f"{out}/truth.json", "w"))
    json.dump(results, open(f"{out}/results.json", "w"))


def evaluate(out):
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval
    start = time.time()
    truth = COCO(f"{out}/truth.json")
    boxes = [{k: v for k, v in result.items() if k != "segmentation"} for result in json.load(open(f"{out}/results.json"))]
    evaluation = COCOeval(truth, truth.loadRes(boxes), "bbox")
    evaluation.evaluate(), evaluation.accumulate(), evaluation.summarize()
    print(f"pycocotools: {time.time() - start:.1f} s for boxes")


if sys.argv[2:] == ["--pycocotools"]:
    evaluate(sys.argv[1])
else:
    write(sys.argv[1])
