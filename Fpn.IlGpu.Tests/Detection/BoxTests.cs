using Fpn.IlGpu.Kernels;
using Fpn.IlGpu.Tensors;
using Fpn.IlGpu.Tests.Reference;
using Fpn.IlGpu.Verification;
using ILGPU;

namespace Fpn.IlGpu.Tests.Detection;

/// <summary>Anchors, box coding and level assignment.</summary>
public sealed class BoxTests(string deviceId) : DeviceTests(deviceId)
{
    [TestCase(true)]
    [TestCase(false)]
    public void Anchors_agree_with_nested_loops(bool round)
    {
        float[][] sizes = [[16, 23.5f], [32, 45.25f]];
        float[] ratios = [0.5f, 1, 2];
        var expected = AnchorsReference.Run([(5, 7), (3, 4)], [(8, 8), (13, 14)], sizes, ratios, round);
        using var anchors = new Anchors(Device, sizes, ratios, round, stridesDouble: false);
        var grids = anchors.Grids([new(1, 5, 7, 6), new(1, 3, 4, 6)], 40, 56);
        Assert.That(grids.Select(g => (g.First, g.StrideY, g.StrideX)), Is.EqualTo(new[] { (0, 8, 8), (210, 13, 14) }));
        var ours = new List<float>();
        foreach (var (level, grid) in grids.Index())
        {
            using var output = Device.Rent<Box>(grid.H * grid.W * 6);
            anchors.Generate(Device, grid, level, output.View);
            ours.AddRange(Floats(output.Download()));
        }
        Comparison.AssertClose(ours.ToArray(), expected, 1e-4, 1e-6);
    }

    // A map of 3 px over an input of 160: 53 px is torchvision's stride, 64 is Detectron2's.
    [TestCase(false, 53)]
    [TestCase(true, 64)]
    public void Strides_of_odd_maps_follow_the_convention(bool doubles, int stride)
    {
        using var anchors = new Anchors(Device, [[32], [64]], [1], round: true, doubles);
        var grids = anchors.Grids([new(1, 5, 5, 1), new(1, 3, 3, 1)], 160, 160);
        Assert.That((grids[1].StrideY, grids[1].StrideX), Is.EqualTo((stride, stride)));
    }

    [TestCase(1, 1, 1, 1)]
    [TestCase(10, 10, 5, 5)]
    public void Decoding_and_clipping_agree_with_nested_loops(float wx, float wy, float ww, float wh)
    {
        const int Count = 301;
        var boxes = CaseValues.Boxes(Count, 1, 640, 480);
        // Some deltas go far beyond the clamp.
        var deltas = CaseValues.Uniform(Count * 4, 2, -60, 60);
        using var deviceBoxes = Device.Upload<Box>(Boxes(boxes));
        using var deviceDeltas = Device.Upload<float>(deltas);
        using var output = Device.Rent<Box>(Count);
        using var clipped = Device.Rent<Box>(Count);
        Device.Launch(DecodeKernel, Count, deviceBoxes.View, deviceDeltas.View, new BoxWeights(wx, wy, ww, wh), output.View, clipped.View);
        var decoded = BoxDecodeReference.Run(deltas, boxes, [wx, wy, ww, wh], classes: 1);
        Comparison.AssertClose(Floats(output.Download()), decoded, 1e-2, 1e-4, [Count, 4]);
        Comparison.AssertClose(Floats(clipped.Download()), BoxClipReference.Run(decoded, 640, 480), 1e-2, 1e-4, [Count, 4]);
    }

    [TestCase(224, 4)]
    [TestCase(56, 4)]
    [TestCase(100, 3)]
    public void Levels_agree_with_nested_loops(float side0, int level0)
    {
        // Sides at and around the boundaries, 112 · 2^i, and boxes that are empty or inverted.
        var boxes = new List<float>();
        foreach (var side in new[] { 0, 1, 55.9f, 56, 111.99f, 112, 112.01f, 223.9f, 224, 448, 447.9f, 895, 896, 5000 })
            boxes.AddRange([10, 20, 10 + side, 20 + side, 3, 3, 3 + side * 2, 3 + side / 2]);
        boxes.AddRange([50, 50, 40, 60]);
        var count = boxes.Count / 4;
        using var rois = Device.Upload<Box>(Boxes([.. boxes]));
        using var pictures = Device.Upload<int>([.. Enumerable.Range(0, count).Select(i => i % 3)]);
        using var live = Device.Upload<int>([count]);
        using var places = Device.Rent<RoiPlace>(count);
        RoiLevels.Run(Device, rois.View, pictures.View, live.View, new RoiLevels.Range(2, 5, new RoiLevelRule(side0, level0, 1e-6f)), places.View);
        var ours = places.Download();
        Assert.That(ours.Select(p => p.Level + 2).SkipLast(1), Is.EqualTo(RoiLevelReference.Run([.. boxes.SkipLast(4)], 2, 5, side0, level0)));
        Assert.That(ours[^1].Level, Is.Zero);
        Assert.That(ours.Select(p => p.Picture), Is.EqualTo(Enumerable.Range(0, count).Select(i => i % 3)));
    }

    private static void DecodeKernel(
        Index1D index, ArrayView<Box> boxes, ArrayView<float> deltas, BoxWeights weights, ArrayView<Box> output, ArrayView<Box> clipped)
    {
        var box = BoxCoding.Decode(boxes[index], deltas, index * 4, weights);
        output[index] = box;
        clipped[index] = BoxCoding.Clip(box, 640, 480);
    }

    private static Box[] Boxes(float[] values) => [.. values.Chunk(4).Select(b => new Box(b[0], b[1], b[2], b[3]))];

    private static float[] Floats(Box[] boxes) => [.. boxes.SelectMany(b => new[] { b.X1, b.Y1, b.X2, b.Y2 })];
}
