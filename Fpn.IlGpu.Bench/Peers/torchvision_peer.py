"""The peer of Fpn.IlGpu.Bench: torchvision, timed alternately with this project on the same machine.

    python3 torchvision_peer.py [--device cpu|cuda] [--threads N] [--no-tf32]

Reads commands from standard input, one JSON list per line, and answers each with one line of JSON on standard output.
Times are in milliseconds, and end when all queued work is done:

    model HEIGHT WIDTH (new|load) FILE PICTURE    fasterrcnn_resnet50_fpn for inputs of that size; "new" creates weights and
                                                  writes them to FILE, "load" reads them; PICTURE holds 8-bit RGB rows
    detect                                        one detection of the picture
    conv H W C K SIDE STRIDE REPEATS              one convolution, padded by SIDE / 2, REPEATS times in a row, with channels
                                                  first and with channels last; the faster one counts
    linear M C K REPEATS                          one matrix product with bias, REPEATS times in a row
    conv_gradients N H W C K SIDE STRIDE REPEATS  the same convolution of N pictures, the gradient of its input, and the
                                                  gradients of its weights and bias, each in its faster memory format
    linear_gradients M C K REPEATS                the same for the matrix product

The time of a detection depends on the weights' values only through the number of boxes. New weights are random, with
batch norms calibrated on noise, and heads spread until there are 1000 proposals and about 100 detections.
"""
import argparse, json, sys, time

try:
    import torch
    import torchvision
except ImportError as missing:
    print(json.dumps(dict(error=f"this Python ({sys.version.split()[0]}) has no {missing.name}")), flush=True)
    sys.exit(1)

try:
    import resource
except ImportError:  # Windows
    resource = None

options = argparse.ArgumentParser()
options.add_argument("--device")
options.add_argument("--threads", type=int, default=1)
options.add_argument("--no-tf32", action="store_true")
a = options.parse_args()
device = a.device or ("cuda" if torch.cuda.is_available() else "cpu")
on_cuda = device.startswith("cuda")
torch.set_num_threads(a.threads)
torch.backends.cudnn.allow_tf32 = not a.no_tf32
torch.backends.cuda.matmul.allow_tf32 = not a.no_tf32
model, images, layers = None, None, {}


def timed(work):
    if on_cuda:
        torch.cuda.synchronize()
    begin = time.perf_counter()
    result = work()
    if on_cuda:
        torch.cuda.synchronize()
    return 1e3 * (time.perf_counter() - begin), result


def calibrate(net):
    """Sets batch norms to the statistics of noise, and spreads the heads' weights."""
    for module in net.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.momentum = None
    net.backbone.train()
    with torch.no_grad():
        net.backbone(torch.randn(2, 3, 256, 256))
        for layer, factor in ((net.rpn.head.cls_logits, 8), (net.rpn.head.bbox_pred, 8), (net.roi_heads.box_predictor.cls_score, 6)):
            layer.weight.mul_(factor)


def build(height, width, source, weights, picture):
    global model, images
    torch.manual_seed(0)
    model = torchvision.models.detection.fasterrcnn_resnet50_fpn(
        weights=None, weights_backbone=None, norm_layer=torch.nn.BatchNorm2d, min_size=min(height, width), max_size=max(height, width))
    if source == "new":
        calibrate(model)
        torch.save(model.state_dict(), weights)
    else:
        # Published weights have frozen batch norms, which do not count batches.
        absent = model.load_state_dict(torch.load(weights, map_location="cpu"), strict=False)
        others = [n for n in absent.missing_keys if not n.endswith("num_batches_tracked")] + absent.unexpected_keys
        if others:
            raise ValueError(f"{weights} does not hold a fasterrcnn_resnet50_fpn, see its {others[0]}")
    model.eval().to(device)
    with open(picture, "rb") as f:
        pixels = torch.frombuffer(bytearray(f.read()), dtype=torch.uint8)
    images = [(pixels.view(height, width, 3).permute(2, 0, 1).float() / 255).contiguous().to(device)]
    return {}


def detect():
    if on_cuda:
        torch.cuda.reset_peak_memory_stats()
    cpu = time.process_time()
    ms, found = timed(lambda: model(images))
    return dict(ms=ms, cpu_ms=1e3 * (time.process_time() - cpu), detections=len(found[0]["boxes"]), **memory())


def memory():
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024) if resource else None
    return dict(process_bytes=peak, device_bytes=torch.cuda.max_memory_allocated() if on_cuda else None)


def layer(key, make):
    """The functions made for this shape; those of other shapes are dropped."""
    if key not in layers:
        layers.clear()
        torch.manual_seed(1)
        layers[key] = make()
        for way in layers[key]:
            timed(way)
    return layers[key]


def best(ways, repeats):
    def run(way):
        for _ in range(repeats):
            way()
    return dict(ms=min(timed(lambda: run(way))[0] for way in ways) / repeats)


def conv(h, w, c, k, side, stride, repeats):
    def make():
        x = torch.rand(1, c, h, w, device=device) - 0.5
        weight = torch.rand(k, c, side, side, device=device) - 0.5
        bias = torch.rand(k, device=device)
        last = torch.channels_last
        x_last, weight_last = x.contiguous(memory_format=last), weight.contiguous(memory_format=last)
        run = torch.nn.functional.conv2d
        return [lambda: run(x, weight, bias, stride, side // 2), lambda: run(x_last, weight_last, bias, stride, side // 2)]
    return best(layer(("conv", h, w, c, k, side, stride), make), repeats)


def linear(m, c, k, repeats):
    def make():
        x, weight, bias = (torch.rand(*size, device=device) - 0.5 for size in ((m, c), (k, c), (k,)))
        return [lambda: torch.nn.functional.linear(x, weight, bias)]
    return best(layer(("linear", m, c, k), make), repeats)


def each(passes, repeats):
    """The milliseconds of the forward pass and of both gradients."""
    return {f"{name}_ms": best(ways, repeats)["ms"] for name, ways in zip(("forward", "data", "weights"), passes)}


def conv_gradients(n, h, w, c, k, side, stride, repeats):
    def make():
        passes = [[], [], []]
        for memory in (torch.contiguous_format, torch.channels_last):
            x = (torch.rand(n, c, h, w, device=device) - 0.5).contiguous(memory_format=memory)
            weight = (torch.rand(k, c, side, side, device=device) - 0.5).contiguous(memory_format=memory)
            bias = torch.rand(k, device=device)
            y = torch.nn.functional.conv2d(x, weight, bias, stride, side // 2)
            dy = torch.rand_like(y) - 0.5

            def backward(mask, x=x, weight=weight, dy=dy):
                return torch.ops.aten.convolution_backward(
                    dy, x, weight, [k], [stride] * 2, [side // 2] * 2, [1, 1], False, [0, 0], 1, mask)
            passes[0].append(lambda x=x, weight=weight, bias=bias: torch.nn.functional.conv2d(x, weight, bias, stride, side // 2))
            passes[1].append(lambda backward=backward: backward([True, False, False]))
            passes[2].append(lambda backward=backward: backward([False, True, True]))
        return [way for ways in passes for way in ways]
    ways = layer(("conv_gradients", n, h, w, c, k, side, stride), make)
    return each([ways[i:i + 2] for i in (0, 2, 4)], repeats)


def linear_gradients(m, c, k, repeats):
    def make():
        x, weight, bias, dy = (torch.rand(*size, device=device) - 0.5 for size in ((m, c), (k, c), (k,), (m, k)))
        return [
            lambda: torch.nn.functional.linear(x, weight, bias), lambda: dy @ weight, lambda: (dy.t() @ x, dy.sum(0))]
    ways = layer(("linear_gradients", m, c, k), make)
    return each([[way] for way in ways], repeats)


def answer(command, *rest):
    if command == "model":
        height, width, source, weights, picture = rest
        return build(int(height), int(width), source, weights, picture)
    commands = dict(detect=detect, conv=conv, linear=linear, conv_gradients=conv_gradients, linear_gradients=linear_gradients)
    return commands[command](*map(int, rest))


print(json.dumps(dict(
    name="torchvision", version=torchvision.__version__, torch=torch.__version__, python=sys.version.split()[0],
    device=torch.cuda.get_device_name() if on_cuda else "cpu", threads=torch.get_num_threads(),
    tf32=on_cuda and not a.no_tf32)), flush=True)
with torch.inference_mode():
    for line in sys.stdin:
        try:
            reply = answer(*json.loads(line))
        except Exception as e:
            reply = dict(error=f"{type(e).__name__}: {e}".splitlines()[0])
        print(json.dumps(reply), flush=True)
