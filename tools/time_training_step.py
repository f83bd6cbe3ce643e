"""Times a training step of torchvision on the CPU with 2 threads, with the network and batch of weights/shapes-fpn.json:

    python3 tools/time_training_step.py

Compare it with the steps of fpn train (the column "seconds" of training.csv) or, without reading pictures and matching anchors, with

    dotnet run -c Release --project Fpn.IlGpu.Bench -- step --model shipped --pictures 8 --rois 128 --live-norms
"""
import os, statistics, sys, time
import numpy as np
import torch
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../Fpn.IlGpu.Tests/Parity/fixtures"))
import models, shapes

BATCH, SIDE, STEPS, WARM_UP = 8, 320, 10, 3

torch.manual_seed(0)
torch.set_num_threads(2)
model = models.shapes_model(rpn_pre_nms_top_n_train=1000, rpn_post_nms_top_n_train=500, box_batch_size_per_image=128).train()
optimiser = torch.optim.SGD(model.parameters(), lr=.005, momentum=.9, weight_decay=1e-4)
scenes = [shapes.scene(1_000_000 + i, SIDE, SIDE) for i in range(BATCH)]
images = [torch.from_numpy(np.asarray(image).copy()).permute(2, 0, 1).float() / 255 for image, _, _ in scenes]
targets = [dict(boxes=torch.tensor(boxes, dtype=torch.float32), labels=torch.tensor(labels)) for _, boxes, labels in scenes]
times = []
for step in range(WARM_UP + STEPS):
    start = time.time()
    loss = sum(model(list(images), [dict(t) for t in targets]).values())
    optimiser.zero_grad()
    loss.backward()
    torch.nn.utils.clip_grad_norm_(model.parameters(), 5.)
    optimiser.step()
    times.append(time.time() - start)
print(f"torchvision: {1000 * statistics.median(times[WARM_UP:]):.0f} ms a step (median of {STEPS})")
