using System.CommandLine;
using System.Globalization;
using Fpn.IlGpu.Detection;
using Fpn.IlGpu.Kernels;
using Fpn.IlGpu.Networks;
using Fpn.IlGpu.Tensors;
using Fpn.IlGpu.Training;
using Fpn.IlGpu.Weights;

namespace Fpn.IlGpu.Bench;

/// <summary>
/// <c>step</c>: times a training step and measures its device memory: forward pass, losses on random anchors and RoIs,
/// gradients, SGD. It does not include reading, augmenting and matching pictures, which the host does meanwhile.
/// </summary>
internal static class StepBench
{
    public static Command Create()
    {
        var options = new BenchOptions();
        var size = BenchOptions.Size("Size of the network's input. Default: 320x320 for the shipped model, 800x1344 for others.");
        var pictures = new Option<int>("--pictures") { Description = "Pictures per batch.", HelpName = "N", DefaultValueFactory = _ => 2 };
        var rois = new Option<int>("--rois") { Description = "RoIs per picture.", HelpName = "N", DefaultValueFactory = _ => 512 };
        var frozen = new Option<int>("--frozen-stages")
        {
            Description = "Stages to freeze: 1 for the stem, 2 for the first stage of blocks too.",
            HelpName = "N",
        };
        var live = new Option<bool>("--live-norms") { Description = "Batch norms use the batch's statistics." };
        var runs = BenchOptions.Runs(5, "Number of steps, after two that do not count.");
        var command = new Command("step", "Times a training step, and measures its memory.")
        {
            options.Device, options.OpenClAny, options.Model, size, pictures, rois, frozen, live, runs,
        };
        command.SetAction(parsed =>
        {
            using var device = options.OpenDevice(parsed);
            var name = parsed.GetRequiredValue(options.Model);
            var input = parsed.GetValue(size) ?? (name == BenchModel.Shipped ? new PictureSize(320, 320) : new PictureSize(800, 1344));
            using var model = BenchModel.Prepare(name, input, peer: null);
            using var state = model.File is null ? ShippedModel.Open() : Checkpoint.Open(model.File);
            var plan = new TrainingPlan(parsed.GetValue(live) ? NormTraining.Live : NormTraining.Frozen, Frozen: []);
            if (parsed.GetValue(frozen) is > 0 and var stages)
            {
                // The names of the stages are known once the network is.
                using var whole = Detector.Load(device, state);
                plan = plan with { Frozen = [.. whole.Backbone.Parts.Take(stages)] };
            }
            using var detector = (FasterRcnn)Detector.Load(device, state, plan);
            var shape = new Shape(parsed.GetValue(pictures), input.Height, input.Width, 3);
            Run(detector, shape, parsed.GetValue(rois), parsed.GetValue(runs), model.Title);
        });
        return command;
    }

    private static void Run(FasterRcnn detector, Shape input, int rois, int runs, string title)
    {
        var device = detector.Device;
        var random = new Random(1);
        var pixels = new float[input.Length];
        foreach (ref var pixel in pixels.AsSpan())
            pixel = 2 * random.NextSingle() - 1;
        List<double> times = [];
        for (var run = 0; run < runs + 2; run++)
        {
            var ms = Timing.Ms(() => Step(detector, input, pixels, rois, random));
            if (run >= 2)
                times.Add(ms);
        }
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"{device.Info.Id}: {title}, {input.N} × {input.H} × {input.W} px, {rois} RoIs each: {Timing.Median(times):F0} ms a step "
            + $"(median of {runs}), at most {device.PeakMemoryBytes / 1e6:F0} MB of device memory"));
    }

    private static void Step(FasterRcnn detector, Shape input, float[] pixels, int rois, Random random)
    {
        var device = detector.Device;
        using var scope = device.Memory.BeginPicture();
        using var pictures = Tensor.Upload(device, input, pixels);
        using var tape = new Tape(device);
        var pyramid = detector.Pyramid.Run(tape, detector.Backbone.Run(tape, tape.Input(pictures)));
        var rpn = detector.Rpn.Head.Run(tape, pyramid);
        var (losses, weighting) = (new LossSet(tape), new DetectorLosses());
        var anchors = rpn.Objectness.Shapes.Sum(s => s.H * s.W * s.C);
        weighting.OfRpn(losses, rpn, [.. Enumerable.Range(0, input.N).Select(_ => Anchors(anchors, random))]);
        var boxes = new Box[input.N * rois];
        foreach (ref var box in boxes.AsSpan())
        {
            var (x, y) = (random.NextSingle() * input.W, random.NextSingle() * input.H);
            // From 8 px to most of the picture.
            var (w, h) = (8 * MathF.Pow(input.W / 10f, random.NextSingle()), 8 * MathF.Pow(input.H / 10f, random.NextSingle()));
            box = new Box(Math.Max(x - w, 0), Math.Max(y - h, 0), Math.Min(x + w, input.W), Math.Min(y + h, input.H));
        }
        var head = detector.BoxHead;
        int[] classes = [.. boxes.Select((_, i) => i % 4 == 0 ? 1 + i / 4 % (head.Classes - 1) : 0)];
        var deltas = new float[4 * classes.Count(c => c != 0)];
        var set = tape.Hold(RoiSet.Of(device, boxes, [.. boxes.Select((_, i) => i / rois)]));
        using var roiFeatures = RoiFeatures.Pool(
            tape, pyramid, detector.Pyramid.MergedLevels, set, input.H, head.Bins, RoiSettings.Of(detector.Configuration));
        using var features = head.Features(tape, roiFeatures, set.Total.View);
        using var predictions = head.Predict(tape, features, set.Total.View);
        weighting.OfBoxes(losses, predictions, classes, 0, deltas);
        tape.Backward();
        detector.Parameters.Step(new SgdStep.Settings(0, 0.9f, 1e-4f, NormLimit: 5));
        losses.Read();
    }

    private static AnchorTargets Anchors(int count, Random random)
    {
        var chosen = new HashSet<int>();
        while (chosen.Count < Math.Min(256, count))
            chosen.Add(random.Next(count));
        int[] all = [.. chosen];
        return new AnchorTargets(all[..32], all[32..], new float[4 * 32]);
    }
}
