using Fpn.IlGpu.Tensors;

namespace Fpn.IlGpu.Course;

/// <summary>
/// What a detector is made of, each stage ready to be called: those of chapters 5 to 11 run your kernels with the shipped model's weights.
/// The backbone and the two heads are the library's; they are the convolutions and matrix products of chapters 2 to 5, in large numbers.
/// </summary>
public sealed class Stages
{
    private const int Bins = 7;

    private readonly CourseKernels kernels;
    private readonly CourseModel model;

    internal Stages(CourseKernels kernels, CourseModel model)
    {
        this.kernels = kernels;
        this.model = model;
    }

    /// <summary>The number of classes, with the background, which is class 0.</summary>
    public int Classes => model.Classes;

    /// <summary>The lateral connection of C2, C3, C4 or C5 (your chapter 5).</summary>
    public Map Lateral(int level)
    {
        var map = model.C(level);
        var size = new ProductSize(map.H * map.W, map.C, model.Channels);
        var values = Compute<float>(size.M * size.K, output => With(map.Values, model.LateralWeights(level), model.LateralBias(level), (x, w, b) =>
            CourseDevice.RunOnCores(size.M * size.K, i => kernels.Lateral(i, x, w, b, size, output))));
        return map with { C = size.K, Values = values };
    }

    /// <summary>The lateral, plus the coarser map at the lateral's size (your chapter 6).</summary>
    public Map Merge(Map lateral, Map coarser)
    {
        var size = new MergeSize(lateral.H, lateral.W, coarser.H, coarser.W, lateral.C);
        return lateral with
        {
            Values = Compute<float>(lateral.Values.Length, output => With(lateral.Values, coarser.Values, (fine, top) =>
                CourseDevice.RunOnCores(lateral.Values.Length, i => kernels.Merge(i, fine, top, size, output)))),
        };
    }

    /// <summary>The 3×3 convolution of a level's merged map (your chapter 7).</summary>
    public Map Smooth(int level, Map merged)
    {
        var size = new ConvolutionSize(merged.H, merged.W, merged.C, model.Channels, 1);
        var values = Compute<float>(merged.H * merged.W * size.K, output => With(merged.Values, model.SmoothWeights(level), model.SmoothBias(level), (x, w, b) =>
            CourseDevice.RunOnCores(merged.H * merged.W * size.K / 4, i => kernels.Smooth(i, x, w, b, size, output))));
        return merged with { C = size.K, Values = values };
    }

    /// <summary>Every other row and column (your chapter 7).</summary>
    public Map Subsample(Map map)
    {
        var (h, w) = ((map.H + 1) / 2, (map.W + 1) / 2);
        var values = Compute<float>(h * w * map.C, output => With(map.Values, x =>
            CourseDevice.RunOnCores(h * w * map.C, i => kernels.Subsample(i, x, new MapSize(map.H, map.W, map.C), output))));
        return new Map(h, w, map.C, values);
    }

    /// <summary>The RPN's head on a level: logits [H, W, 3] and deltas [H, W, 3 · 4] (the library's).</summary>
    public (float[] Objectness, float[] Deltas) RpnHead(int level, Map map) => model.RpnHead(level, map);

    /// <summary>The indices of the best k of some scores, best first (your chapter 9); of all of them if there are fewer.</summary>
    public int[] Best(IReadOnlyList<float> scores, int k)
    {
        var (all, count) = (scores.ToArray(), Math.Min(k, scores.Count));
        return Compute<int>(count, best => With(all, x => CourseDevice.RunOnCores(all.Length, i => kernels.Best(i, x, all.Length, count, best))));
    }

    /// <summary>The decoded boxes of all anchors of a level, in input px (your chapter 8).</summary>
    public Box[] DecodeAnchors(int level, Map map, float[] deltas)
    {
        var grid = new AnchorGrid(map.H, map.W, 1 << level, model.AnchorSize(level));
        return Compute<Box>(grid.Anchors, boxes => With(deltas, d => CourseDevice.RunOnCores(grid.Anchors, i => kernels.DecodeAnchors(i, d, grid, boxes))));
    }

    /// <summary>A box moved by deltas (your chapter 8).</summary>
    public Box Decode(Box from, Deltas deltas) => kernels.Decode(from, deltas);

    /// <summary>The part of a box that is inside the picture.</summary>
    public Box Clip(Box box) => new(
        Math.Clamp(box.X1, 0, model.InputW), Math.Clamp(box.Y1, 0, model.InputH), Math.Clamp(box.X2, 0, model.InputW), Math.Clamp(box.Y2, 0, model.InputH));

    /// <summary>Which of some boxes are kept (your chapter 10).</summary>
    /// <param name="boxes">The boxes, best first.</param>
    /// <param name="labels">Only boxes of the same label suppress one another.</param>
    /// <param name="threshold">The IoU over which a box is suppressed.</param>
    public bool[] Suppress(IReadOnlyList<Box> boxes, IReadOnlyList<int> labels, float threshold)
    {
        var size = new NmsSize(boxes.Count, (boxes.Count + 31) / 32, threshold);
        if (size.Count == 0)
            return [];
        using var mask = new GlobalArray<uint>("mask", new uint[size.Count * size.Words], isCounted: false);
        With(boxes.ToArray(), labels.ToArray(), (b, l) => CourseDevice.RunOnCores(size.Count * size.Words, i => kernels.Mask(i, b, l, size, mask.View)));
        return [.. Compute<int>(size.Count, kept => kernels.Keep(0, mask.View, size, kept)).Select(kept => kept == 1)];
    }

    /// <summary>The features of regions, [R, 7, 7, channels], each from the level that its size says (your chapter 11).</summary>
    /// <param name="pyramid">P2 to P6 at the indices 2 to 6.</param>
    /// <param name="rois">[R], in input px.</param>
    public float[] RoiFeatures(Map[] pyramid, Box[] rois)
    {
        var length = Bins * Bins * model.Channels;
        var features = new float[rois.Length * length];
        foreach (var own in Enumerable.Range(0, rois.Length).GroupBy(r => Math.Clamp(kernels.Level(rois[r]), 2, 5)))
        {
            var map = pyramid[own.Key];
            var size = new AlignSize(map.H, map.W, map.C, 1f / (1 << own.Key), Bins);
            int[] members = [.. own];
            var values = Compute<float>(members.Length * length, output => With(map.Values, [.. members.Select(r => rois[r])], (x, boxes) =>
                CourseDevice.RunOnCores(members.Length * length, i => kernels.RoiAlign(i, x, boxes, size, output))));
            foreach (var (i, r) in members.Index())
                Array.Copy(values, i * length, features, r * length, length);
        }
        return features;
    }

    /// <summary>The box head: probabilities [R, classes], and deltas [R, classes · 4] (the library's).</summary>
    public (float[] Probabilities, float[] Deltas) BoxHead(float[] features) => model.BoxHead(features);

    private static T[] Compute<T>(int length, Action<GlobalView<T>> launch)
        where T : unmanaged
    {
        using var output = new GlobalArray<T>("output", new T[length], isCounted: false);
        if (length > 0)
            launch(output.View);
        return output.ToArray();
    }

    private static void With<T>(T[] values, Action<GlobalView<T>> launch)
        where T : unmanaged
    {
        using var array = new GlobalArray<T>("input", values, isCounted: false);
        launch(array.View);
    }

    private static void With<T1, T2>(T1[] values, T2[] others, Action<GlobalView<T1>, GlobalView<T2>> launch)
        where T1 : unmanaged
        where T2 : unmanaged
        => With(values, first => With(others, second => launch(first, second)));

    private static void With(
        float[] values, float[] weights, float[] bias, Action<GlobalView<float>, GlobalView<float>, GlobalView<float>> launch)
        => With(values, weights, (x, w) => With(bias, b => launch(x, w, b)));
}
