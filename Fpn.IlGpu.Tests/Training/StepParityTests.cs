using Fpn.IlGpu.Data;
using Fpn.IlGpu.Detection;
using Fpn.IlGpu.Imaging;
using Fpn.IlGpu.Kernels;
using Fpn.IlGpu.Networks;
using Fpn.IlGpu.Tensors;
using Fpn.IlGpu.Tests.Reference;
using Fpn.IlGpu.Training;

namespace Fpn.IlGpu.Tests.Training;

/// <summary>
/// The losses of a whole RetinaNet and of Mask R-CNN's masks, from the same weights, pictures and objects, agree with torchvision's own
/// losses, and so do the gradients of all parameters (see the script make_steps.py in fixtures/). Those of mask proposals agree with a
/// network of PyTorch's modules (make_mask_proposals.py).
/// </summary>
internal sealed class StepParityTests(string deviceId) : ModelTests(deviceId)
{
    private static readonly Shape Input = StepFixture.Input;

    [Test]
    public void RetinaNets_losses_and_gradients_agree_with_torchvision() => Check("retina", (state, detector, tape, losses, pyramid) =>
    {
        var output = detector.Network.Retina!.Run(tape, pyramid);
        var boxes = new List<Box>();
        foreach (var (l, grid) in detector.Anchors.Grids(output.Deltas.Shapes, Input.H, Input.W).Index())
        {
            using var level = Device.Rent<Box>((long)grid.H * grid.W * detector.Anchors.PerLocation);
            detector.Anchors.Generate(Device, grid, l, level.View);
            boxes.AddRange(level.Download());
        }
        var anchors = new BoxColumns([.. boxes]);
        RetinaTargets[] targets = [.. Enumerable.Range(0, Input.N).Select(n => RetinaTargets.Of(
            anchors, new PictureTruth(Boxes(state, $"boxes{n}").Zip(Indices(state, $"labels{n}"), (box, label) => new SampleObject(box, label))),
            MatchRule.RetinaNet, new BoxWeights(1, 1, 1, 1)))];
        DetectorLosses.OfRetina(losses, output, targets, new RetinaTraining());
    });

    [Test]
    public void The_mask_loss_and_its_gradients_agree_with_torchvision() => Check("masks-step", (state, detector, tape, losses, pyramid) =>
    {
        var (rois, classIds, values) = (new List<Box[]>(), new List<int>(), new List<float>());
        for (var n = 0; n < Input.N; n++)
        {
            var (boxes, labels, matches) = (Boxes(state, $"boxes{n}"), Indices(state, $"labels{n}"), Indices(state, $"matches{n}"));
            var truth = new PictureTruth(boxes.Zip(labels, (box, label) => new SampleObject(box, label) { Mask = Ellipse(box) }));
            var own = new RoiTargets(
                Boxes(state, $"rois{n}"), Array.ConvertAll(matches, m => labels[m]), matches, new float[4 * matches.Length]);
            var targets = MaskTargets.Of(own, truth, Input.H, Input.W, side: 28);
            Assert.That(targets.Positives, Is.EqualTo(Enumerable.Range(0, matches.Length)));
            rois.Add(own.Rois);
            classIds.AddRange(own.ClassIndices);
            values.AddRange(targets.Values);
        }
        var set = tape.Hold(RoiSet.Of(
            Device, rois.SelectMany(own => own).ToArray(), rois.SelectMany((own, n) => Enumerable.Repeat(n, own.Length)).ToArray()));
        var head = detector.Network.Masks!;
        using var pooled = RoiFeatures.Pool(
            tape, pyramid, detector.Pyramid.MergedLevels, set, Input.H, MaskRcnn.Bins, RoiSettings.Of(detector.Configuration));
        using var features = head.Features(tape, pooled);
        losses.Masks("masks", head.Logits(tape, features), classIds.ToArray(), values.ToArray());
    });

    [Test]
    public void The_losses_of_mask_proposals_and_their_gradients_agree_with_PyTorch()
        => Check("mask-proposals", (state, detector, tape, losses, pyramid) =>
        {
            var head = detector.Network.MaskProposals!;
            var windows = ((MaskProposalNetwork)detector).Windows(pyramid.Finest);
            var output = head.Run(tape, pyramid);
            var targets = Enumerable.Range(0, Input.N).Select(n =>
            {
                var truth = new PictureTruth(Boxes(state, $"boxes{n}").Select(box => new SampleObject(box, 0) { Mask = Ellipse(box) }));
                var own = MaskProposalTargets.Of(
                    windows, output.Scores.Shapes, (truth, Input.H, Input.W), new SampleSize(1 << 20, 1), head.MaskSide, new KeyedRandom(n));
                Assert.That(own.Positives, Is.EqualTo(Indices(state, $"positives{n}")));
                Assert.That(own.Negatives, Is.SupersetOf(Indices(state, $"negatives{n}")));
                return own with { Negatives = Indices(state, $"negatives{n}") };
            }).ToArray();
            DetectorLosses.OfMaskProposals(losses, tape, head, output, targets, maskWeight: 10);
        });

    private void Check(string name, Action<StateDictionary, Detector, Tape, LossSet, FeatureMaps> addLosses)
    {
        using var state = StepFixture.Open(name);
        using var detector = Detector.Load(Device, state, new TrainingPlan(NormTraining.Frozen, Frozen: []));
        using var scope = Device.Memory.BeginPicture();
        using var tape = new Tape(Device);
        using var input = Tensor.Upload(Device, Input, StepFixture.Pictures());
        var losses = new LossSet(tape);
        addLosses(state, detector, tape, losses, detector.Pyramid.Run(tape, detector.Backbone.Run(tape, tape.Input(input))));
        tape.Backward();
        using var every = Assert.EnterMultipleScope();
        foreach (var (loss, value) in losses.Read())
            Assert.That(value, Is.EqualTo(state["loss." + loss].ToArray()[0]).Within(1e-2).Percent, loss);
        var trained = detector.Parameters.Trained.Where(p => p.HasGradient).ToList();
        foreach (var parameter in trained)
        {
            var expected = state["gradient." + parameter.Name].ToArray();
            Comparison.AssertClose(parameter.GradientToArray(), expected, 1e-4 * expected.Max(MathF.Abs), 1e-4, what: parameter.Name);
        }
        var gradients = state.Tensors.Keys.Where(key => key.StartsWith("gradient.", StringComparison.Ordinal));
        Assert.That(trained.Select(p => "gradient." + p.Name), Is.EquivalentTo(gradients));
    }

    private static Box[] Boxes(StateDictionary state, string name)
        => [.. state["target." + name].ToArray().Chunk(4).Select(b => new Box(b[0], b[1], b[2], b[3]))];

    private static int[] Indices(StateDictionary state, string name) => Array.ConvertAll(state["target." + name].ToArray(), v => (int)v);

    /// <summary>The ellipse in a box: a pixel is inside if its centre is.</summary>
    private static ObjectMask Ellipse(Box box)
    {
        var pixels = new byte[Input.H * Input.W];
        var (cx, cy) = (((double)box.X1 + box.X2) / 2, ((double)box.Y1 + box.Y2) / 2);
        var (rx, ry) = (((double)box.X2 - box.X1) / 2, ((double)box.Y2 - box.Y1) / 2);
        for (var i = 0; i < pixels.Length; i++)
        {
            var (x, y) = ((i % Input.W + 0.5 - cx) / rx, (i / Input.W + 0.5 - cy) / ry);
            pixels[i] = (byte)(x * x + y * y <= 1 ? 1 : 0);
        }
        return ObjectMask.FromPixels(pixels, Input.W, Input.H);
    }
}
