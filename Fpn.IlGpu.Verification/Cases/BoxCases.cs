using System.Globalization;
using Fpn.IlGpu.Kernels;
using Fpn.IlGpu.Tensors;
using Fpn.IlGpu.Verification.Reference;
using ILGPU;

namespace Fpn.IlGpu.Verification;

/// <summary>Anchors, box decoding with clipping, and the level of each RoI.</summary>
internal static class BoxCases
{
    public static IEnumerable<VerifiedOperator> Operators => [
        new("anchors", [AnchorGrid(round: true), AnchorGrid(round: false)]),
        new("box decoding", [Decoding(1, 1, 1, 1), Decoding(10, 10, 5, 5)]),
        new("RoI level", [Leveling(224, 4), Leveling(56, 3)]),
    ];

    public static Box[] Boxes(float[] values) => [.. values.Chunk(4).Select(b => new Box(b[0], b[1], b[2], b[3]))];

    public static float[] Floats(Box[] boxes) => [.. boxes.SelectMany(b => new[] { b.X1, b.Y1, b.X2, b.Y2 })];

    /// <summary>One thread = one box, decoded and clipped to 640 × 480 px.</summary>
    internal static void DecodeKernel(
        Index1D index, ArrayView<Box> boxes, ArrayView<float> deltas, BoxWeights weights, ArrayView<Box> output, ArrayView<Box> clipped)
    {
        var box = BoxCoding.Decode(boxes[index], deltas, index * 4, weights);
        output[index] = box;
        clipped[index] = BoxCoding.Clip(box, 640, 480);
    }

    private static VerificationCase AnchorGrid(bool round) => new($"5×7 and 3×4 px{(round ? ", rounded" : "")}", (device, findings)
    =>
    {
        float[][] sizes = [[16, 23.5f], [32, 45.25f]];
        float[] ratios = [0.5f, 1, 2];
        using var anchors = new Anchors(device, sizes, ratios, round, stridesDouble: false);
        var grids = anchors.Grids([new(1, 5, 7, 6), new(1, 3, 4, 6)], 40, 56);
        var actual = new List<float>();
        foreach (var (level, grid) in grids.Index())
        {
            using var output = device.Upload<Box>(Boxes(CaseValues.Unwritten(4 * grid.H * grid.W * anchors.PerLocation)));
            anchors.Generate(device, grid, level, output.View);
            actual.AddRange(Floats(output.Download()));
        }
        var expected = AnchorsReference.Run([(5, 7), (3, 4)], [(8, 8), (13, 14)], sizes, ratios, round);
        findings.Close([.. actual], expected, 1e-4, 1e-6, [expected.Length / 4, 4]);
    });

    private static VerificationCase Decoding(float wx, float wy, float ww, float wh)
        => new($"301 boxes, weights {wx}, {wy}, {ww}, {wh}", (device, findings)
        =>
        {
            const int Count = 301;
            // Some deltas are far above the clamp.
            var (boxes, deltas) = (CaseValues.Boxes(Count, 1, 640, 480), CaseValues.Uniform(Count * 4, 2, -60, 60));
            using var deviceBoxes = device.Upload<Box>(Boxes(boxes));
            using var deviceDeltas = device.Upload<float>(deltas);
            using var output = device.Upload<Box>(Boxes(CaseValues.Unwritten(4 * Count)));
            using var clipped = device.Upload<Box>(Boxes(CaseValues.Unwritten(4 * Count)));
            device.Launch(
                DecodeKernel, Count, deviceBoxes.View, deviceDeltas.View, new BoxWeights(wx, wy, ww, wh), output.View, clipped.View);
            var decoded = BoxDecodeReference.Run(deltas, boxes, [wx, wy, ww, wh], classes: 1);
            findings.Close(Floats(output.Download()), decoded, 1e-2, 1e-4, [Count, 4]);
            findings.Close(Floats(clipped.Download()), BoxClipReference.Run(decoded, 640, 480), 1e-2, 1e-4, [Count, 4], "clipped");
        });

    private static VerificationCase Leveling(float side0, int level0) => new(
        string.Create(CultureInfo.InvariantCulture, $"sides of 0 to 5000 px, {side0} px on P{level0}"), (device, findings)
    =>
    {
        // Sides at and around the level boundaries, 112 · 2^i, and empty boxes.
        var boxes = new List<float>();
        foreach (var side in (float[])[0, 1, 55.9f, 56, 111.99f, 112, 112.01f, 223.9f, 224, 448, 447.9f, 895, 896, 5000])
            boxes.AddRange([10, 20, 10 + side, 20 + side, 3, 3, 3 + side * 2, 3 + side / 2]);
        var count = boxes.Count / 4;
        using var rois = device.Upload<Box>(Boxes([.. boxes]));
        using var pictures = device.Upload<int>([.. Enumerable.Range(0, count).Select(i => i % 3)]);
        using var live = device.Upload<int>([count]);
        using var places = device.Upload<RoiPlace>([.. Enumerable.Repeat(new RoiPlace(-1, -1), count)]);
        RoiLevels.Run(device, rois.View, pictures.View, live.View, new RoiLevels.Range(2, 5, new RoiLevelRule(side0, level0, 1e-6f)), places.View);
        var actual = places.Download();
        findings.Same([.. actual.Select(p => p.Level + 2)], RoiLevelReference.Run([.. boxes], 2, 5, side0, level0), "levels");
        findings.Same([.. actual.Select(p => p.Picture)], [.. Enumerable.Range(0, count).Select(i => i % 3)], "pictures");
    });
}
