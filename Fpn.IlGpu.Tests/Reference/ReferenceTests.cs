using Fpn.IlGpu.Kernels;

namespace Fpn.IlGpu.Tests.Reference;

/// <summary>
/// The references themselves, compared with PyTorch and torchvision (fixtures/make_operators.py). Each operator's cases are
/// counted, so that none can be missing unnoticed.
/// </summary>
public class ReferenceTests
{
    [Test]
    public void Conv2d_agrees_with_PyTorch() => Each("conv", 7, f
    =>
    {
        var weights = f.Extents("weights");
        var shape = f.Shape("input");
        var kernel = (weights[0], weights[1]);
        Assert.That(
            Conv2dReference.OutputShape(
                shape, kernel, weights[3], f.Pair("stride"), f.Pair("padding"), f.Pair("dilation")),
            Is.EqualTo(f.Shape("output")));
        f.Check("output", Conv2dReference.Run(
            f.Values("input"), f.Values("weights"), f.ValuesOrNull("bias"), f.ValuesOrNull("residual"),
            shape, kernel, weights[3],
            f.Pair("stride"), f.Pair("padding"), f.Pair("dilation"), f.Get<int>("groups"), ReluOf(f)));
    });

    [Test]
    public void MaxPool2d_agrees_with_PyTorch() => Each("maxpool", 4, f => f.Check("output", MaxPool2dReference.Run(
        f.Values("input"), f.Shape("input"), f.Pair("kernel"), f.Pair("stride"), f.Pair("padding"))));

    [Test]
    public void Nearest_upsampling_and_merge_agree_with_PyTorch() => Each("nearest", 8, f
    =>
    {
        var output = f.Shape("output");
        f.Check("output", NearestUpsampleReference.Run(f.Values("input"), f.Shape("input"), output.H, output.W), 0, 0);
        f.Check("merged", MergeReference.Run(f.Values("input"), f.Shape("input"), f.Values("lateral"), output), 0, 0);
    });

    [Test]
    public void Subsample_agrees_with_PyTorch() => Each("subsample", 3, f
    =>
    {
        Assert.That(SubsampleReference.OutputShape(f.Shape("input")), Is.EqualTo(f.Shape("output")));
        f.Check("output", SubsampleReference.Run(f.Values("input"), f.Shape("input")), 0, 0);
    });

    [Test]
    public void MatMul_agrees_with_PyTorch() => Each("matmul", 3, f
    =>
    {
        int[] a = f.Extents("a"), b = f.Extents("b");
        f.Check("output", MatMulReference.Run(
            f.Values("a"), f.Values("b"), f.ValuesOrNull("bias"), a[0], a[1], b[1], ReluOf(f)));
    });

    [Test]
    public void Softmax_agrees_with_PyTorch() => Each("softmax", 2, f
    =>
    {
        var extents = f.Extents("input");
        f.Check("output", SoftmaxReference.Run(f.Values("input"), extents[0], extents[1]));
    });

    [Test]
    public void Sigmoid_agrees_with_PyTorch() => Each("sigmoid", 1, f => f.Check("output", SigmoidReference.Run(f.Values("input"))));

    [Test]
    public void Bilinear_resize_and_normalise_agree_with_torchvision() => Each("resize", 8, f
    =>
    {
        Shape4 shape = f.Shape("input"), output = f.Shape("output");
        float? step = null;
        if (f.HasParameter("scale"))
        {
            step = (float)(1 / f.Get<double>("scale"));
        }
        else
        {
            Assert.That(
            BilinearResizeReference.OutputSize(shape.H, shape.W, f.Get<int>("min_size"), f.Get<int>("max_size")),
            Is.EqualTo((output.H, output.W)));
        }

        f.Check("output", BilinearResizeReference.Run(f.Values("input"), shape, output.H, output.W, step, step));
        if (!f.Has("normalised"))
            return;
        float[] mean = [0.485f, 0.456f, 0.406f], std = [0.229f, 0.224f, 0.225f];
        f.Check("normalised", NormaliseReference.Run(f.Values("input"), 1, mean, std));
    });

    [Test]
    public void The_size_of_the_input_agrees_with_torchvision() => Each("size", 1, f
    =>
    {
        foreach (var row in f.Indices("output").Chunk(6))
        {
            Assert.That(
                BilinearResizeReference.OutputSize(row[0], row[1], row[2], row[3]),
                Is.EqualTo((row[4], row[5])),
                string.Join(", ", row));
        }
    });

    [Test]
    public void Anchors_agree_with_torchvision() => Each("anchors", 3, f => f.Check("output", AnchorsReference.Run(
        Pairs(f.Get<int[][]>("grids")), Pairs(f.Get<int[][]>("strides")),
        f.Get<float[][]>("sizes"), f.Get<float[]>("ratios"))));

    [Test]
    public void Box_decoding_and_clipping_agree_with_torchvision() => Each("decode", 2, f
    =>
    {
        var decoded = BoxDecodeReference.Run(
            f.Values("deltas"), f.Values("boxes"), f.Get<float[]>("weights"), f.Get<int>("classes"));
        f.Check("output", decoded, atol: 1e-4);
        f.Check("clipped", BoxClipReference.Run(decoded, width: 231, height: 123), atol: 1e-4);
    });

    [Test]
    public void Removal_of_small_boxes_agrees_with_torchvision() => Each("small", 1, f =>
        f.Check("output", SmallBoxesReference.Run(f.Values("boxes"), f.Get<float>("least"))));

    [Test]
    public void Top_k_agrees_with_PyTorch() => Each("topk", 1, f =>
        f.Check("output", TopKReference.Run(f.Values("input"), f.Get<int>("k"))));

    [Test]
    public void Nms_agrees_with_torchvision() => Each("nms", 3, f
    =>
    {
        float[] boxes = f.Values("boxes"), scores = f.Values("scores");
        var threshold = f.Get<float>("threshold");
        f.Check("output", NmsReference.Run(boxes, scores, threshold));
        f.Check("grouped", NmsReference.Run(boxes, scores, threshold, f.Indices("groups")));
    });

    [Test]
    public void Roi_levels_agree_with_torchvision() => Each("level", 2, f =>
        f.Check("output", RoiLevelReference.Run(
            f.Values("boxes"), f.Get<int>("lowest"), f.Get<int>("highest"), f.Get<float>("side"), f.Get<int>("level"))));

    [Test]
    public void Roi_align_agrees_with_torchvision() => Each("roialign", 5, f => f.Check("output", RoiAlignReference.Run(
        f.Values("input"), f.Values("rois"), f.Indices("pictures"), f.Shape("input"),
        f.Get<float>("scale"), f.Pair("pooled"), f.Get<int>("samples"), f.Get<bool>("aligned"))));

    [Test]
    public void Roi_max_pooling_agrees_with_torchvision() => Each("roipool", 3, f => f.Check("output", RoiMaxPoolReference.Run(
        f.Values("input"), f.Values("rois"), f.Indices("pictures"), f.Shape("input"),
        f.Get<float>("scale"), f.Pair("pooled"))));

    [Test]
    public void Empty_inputs_give_empty_outputs()
    {
        Assert.That(RoiAlignReference.Run([1], [], null, new(1, 1, 1, 1), 1, (7, 7), 2, false), Is.Empty);
        Assert.That(RoiMaxPoolReference.Run([1], [], null, new(1, 1, 1, 1), 1, (7, 7)), Is.Empty);
        Assert.That(NmsReference.Run([], [], 0.5f), Is.Empty);
        Assert.That(TopKReference.Run([], 5), Is.Empty);
        Assert.That(MatMulReference.Run([], [1, 2], null, 0, 1, 2), Is.Empty);
        Assert.That(BoxDecodeReference.Run([], [], [1, 1, 1, 1], 3), Is.Empty);
    }

    [Test]
    public void The_conventions_of_other_sources_are_followed()
    {
        Assert.That(
            AnchorsReference.Cell([32], [0.5f], round: false),
            Is.EqualTo(new[] { -22.627417f, -11.313708f, 22.627417f, 11.313708f }));
        Assert.That(
            NormaliseReference.Run([1, 2, 3], 2, [1, 1, 1], [1, 2, 1], bgr: true),
            Is.EqualTo(new[] { 5f, 1.5f, 1f }));
        Assert.That(BilinearResizeReference.OutputSize(1, 5000, 800, 1333), Is.EqualTo((1, 1332)));
    }

    [Test]
    public void A_comparison_reports_differences_and_their_place()
    {
        Assert.That(Comparison.Difference([1, 2], [1, 2.00001f], 0, 1e-5), Is.Null);
        Assert.That(Comparison.Difference([float.PositiveInfinity], [float.PositiveInfinity], 0, 0), Is.Null);
        Assert.That(Comparison.Difference([], [], 0, 0), Is.Null);
        Assert.That(Comparison.Difference([1], [1, 2], 1, 1), Is.EqualTo("1 elements, where 2 are expected"));
        Assert.That(Comparison.Difference([float.NaN], [float.NaN], 1, 1), Does.Contain("[0]: NaN instead of NaN"));
        Assert.That(Comparison.Difference([5], [float.PositiveInfinity], 1, 1), Does.Contain("instead of Infinity"));
        Assert.That(Comparison.Difference([float.PositiveInfinity], [5], 1, 1), Does.Contain("Infinity instead of 5"));
        Assert.That(
            Comparison.Difference([0, 1, 2, 3, 7, 5], [0, 1.5f, 2, 3, 4, 5], 0.1, 0, [2, 3]),
            Is.EqualTo("2 of 6 differ by more than 0.1 + 0·|expected|; most at [1, 1]: 7 instead of 4, " +
                "a difference of 3"));
        Assert.That(Comparison.Difference([9, float.NaN, 99], [0, 0, 0], 0.1, 0), Does.Contain("most at [1]: NaN"));
    }

    private static void Each(string operatorName, int cases, Action<Fixture> check)
    {
        List<Fixture> all = [.. Fixture.Of(operatorName, "operators.safetensors")];
        Assert.That(all, Has.Count.EqualTo(cases));
        Assert.Multiple(() => all.ForEach(check));
    }

    private static (int, int)[] Pairs(int[][] pairs) => Array.ConvertAll(pairs, pair => (pair[0], pair[1]));

    private static Activation ReluOf(Fixture f) => f.Get<bool>("relu") ? Activation.Relu : Activation.None;
}
