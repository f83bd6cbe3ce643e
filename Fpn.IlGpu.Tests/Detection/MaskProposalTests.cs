using Fpn.IlGpu.Detection;
using Fpn.IlGpu.Imaging;
using Fpn.IlGpu.Kernels;
using Fpn.IlGpu.Networks;
using Fpn.IlGpu.Tensors;
using Fpn.IlGpu.Tests.Reference;
using Fpn.IlGpu.Tests.Training;
using Fpn.IlGpu.Weights;

namespace Fpn.IlGpu.Tests.Detection;

/// <summary>
/// Mask proposals stage by stage, against a network of PyTorch's modules (Training/fixtures/make_mask_proposals.py): scores, the best
/// windows with their regions, the masks' logits, and the masks in the picture.
/// </summary>
internal sealed class MaskProposalTests(string deviceId) : ModelTests(deviceId)
{
    private static readonly Shape Input = StepFixture.Input;

    [Test]
    public void Every_stage_agrees_with_PyTorch() => Run((state, detector, tape, output, windows) =>
    {
        var expected = state["stage.scores"].ToArray();
        var (scores, perPicture) = (output.Scores.Values.Download(), expected.Length / Input.N);
        var segments = output.Scores.LevelSegments(Input.N);
        float[] inOrder = [.. segments.SelectMany(s => scores.Skip(s.First).Take(s.Length))];
        Comparison.AssertClose(inOrder, expected, 1e-4, 1e-4, [Input.N, perPicture], "scores");

        var best = detector.Best(output.Scores, Input.N);
        var side = detector.Head.MaskSide;
        for (var n = 0; n < Input.N; n++)
        {
            float[][] regions = [.. state[$"stage.regions{n}"].ToArray().Chunk(4)];
            float[][] masks = [.. state[$"stage.masks{n}"].ToArray().Chunk(side * side)];
            ScoredWindow[] own = [.. best.Where(window => window.Picture == n).Take(regions.Length)];
            int[] firsts = [.. segments.Take(output.Scores.Count).Select((_, s) => segments.Take(s).Sum(before => before.Length))];
            Assert.That(
                own.Select(window => firsts[window.Map] + window.Location), Is.EqualTo(state[$"stage.best{n}"].ToArray()), "the best windows");
            foreach (var (i, window) in own.Index())
            {
                var columns = output.Scores.Shapes[window.Map].W;
                var region = windows.Region(window.Map, window.Location / columns, window.Location % columns);
                Comparison.AssertClose([region.X1, region.Y1, region.X2, region.Y2], regions[i], 1e-3, 1e-5);
                using var logits = detector.Head.Masks(tape, output, window.Map % detector.Head.Windows, [window.Place]);
                Comparison.AssertClose(logits.Value.ToArray(), masks[i], 1e-3, 1e-4, [side, side], $"mask {i}");
            }
        }
    });

    [Test]
    public void Masks_are_pasted_into_their_regions() => Run((state, detector, tape, output, windows) =>
    {
        var sizes = Enumerable.Repeat(new ResizedPicture(Input.H, Input.W, Input.H, Input.W), Input.N).ToArray();
        using var batch = new InputBatch(Tensor.Rent(Device, Input), Device.Upload<ResizedPicture>(sizes), sizes);
        ScoredWindow[] best = [.. detector.Best(output.Scores, Input.N).GroupBy(window => window.Picture).SelectMany(own => own.Take(20))];
        var pasted = detector.Masks(tape, output, best, windows, batch);
        var (n, i) = (0, 0);
        foreach (var (window, mask) in best.Zip(pasted))
        {
            (n, i) = (window.Picture, window.Picture == n ? i : 0);
            var side = detector.Head.MaskSide;
            float[] cells = [.. state[$"stage.masks{n}"].ToArray().Skip(side * side * i).Take(side * side).Select(Sigmoid.Of)];
            var region = state[$"stage.regions{n}"].ToArray().AsSpan(4 * i, 4).ToArray();
            var probabilities = MaskPasteReference.Run(cells, side, region, Input.H, Input.W, rounded: false);
            var pixels = mask.ToPixels();
            Assert.That(
                probabilities.Where((p, at) => Math.Abs(p - 0.5) > 1e-3 && p > 0.5 != (pixels[at] != 0)), Is.Empty, $"mask {i} of picture {n}");
            i++;
        }
    });

    [Test]
    public void Proposals_have_masks_and_their_boxes_and_the_best_come_first()
    {
        using var state = StepFixture.Open("mask-proposals");
        using var detector = Detector.Load(Device, state);
        var pixels = new byte[Input.H * Input.W * 3];
        new Random(3).NextBytes(pixels);
        var picture = new RgbImage(Input.W, Input.H, pixels);
        var found = detector.Detect([picture, picture]);
        Assert.That(found[0], Has.Count.InRange(500, 1000));
        Assert.That(found[1].Select(o => o.Score), Is.EqualTo(found[0].Select(o => o.Score)));
        Assert.That(found[0].Select(o => o.Score), Is.Ordered.Descending);
        Assert.That(found[0].Select(o => o.Label), Is.All.EqualTo("object"));
        foreach (var proposal in found[0])
        {
            var bounds = MaskOverlap.Bounds(proposal.Mask!);
            Assert.That(proposal.BoxImagePx, Is.EqualTo(new Box(bounds.Left, bounds.Top, bounds.Right, bounds.Bottom)));
        }
        detector.ScoreThreshold = found[0][10].Score;
        Assert.That(detector.Detect(picture), Has.Count.InRange(1, 10));
        detector.ScoreThreshold = 1;
        Assert.That(detector.Detect(picture), Is.Empty);
    }

    [Test]
    public void A_model_with_several_sizes_a_level_is_refused()
    {
        using var state = StepFixture.Open("mask-proposals");
        using var other = new StateDictionary(
            "a.safetensors", state.Tensors.Values, new Dictionary<string, string>
            {
                [ModelConfiguration.MetadataKey] = """{ "detector": "mask-proposals", "anchor_sizes": [[1, 2], [3, 4], [5, 6], [7, 8], [9, 10]] }""",
            });
        Assert.That(
            () => Detector.Load(Device, other),
            Throws.TypeOf<WeightsException>().With.Message.EqualTo(
                "a.safetensors: 'fpn.config' gives each level 2 anchor sizes, but masks are proposed at one size per level."));
    }

    private void Run(Action<StateDictionary, MaskProposalNetwork, Tape, MaskProposalOutput, ObjectWindows> check)
    {
        using var state = StepFixture.Open("mask-proposals");
        using var detector = (MaskProposalNetwork)Detector.Load(Device, state);
        using var scope = Device.Memory.BeginPicture();
        using var tape = Tape.ForInference(Device);
        using var input = Tensor.Upload(Device, Input, StepFixture.Pictures());
        using var pyramid = detector.Pyramid.Run(tape, detector.Backbone.Run(tape, tape.Input(input)));
        using var output = detector.Head.Run(tape, pyramid);
        check(state, detector, tape, output, detector.Windows(pyramid.Finest));
    }
}
