using Fpn.IlGpu.Kernels;
using Fpn.IlGpu.Networks;
using Fpn.IlGpu.Tensors;
using Fpn.IlGpu.Tests.Reference;
using Fpn.IlGpu.Verification;
using Fpn.IlGpu.Weights;

namespace Fpn.IlGpu.Tests.Networks;

/// <summary>
/// Features that the reference networks lack (groups, the stride in the paper's place, pyramids over other numbers of maps),
/// against nested loops that compute batch norms by their definition.
/// </summary>
public sealed class NetworkTests(string deviceId) : DeviceTests(deviceId)
{
    private const float Epsilon = 1e-3f;

    [TestCase(1, 1, false)]
    [TestCase(2, 1, false)]
    [TestCase(2, 1, true)]
    [TestCase(2, 4, false)]
    [TestCase(1, 8, true)]
    public void Bottlenecks_agree_with_nested_loops(int stride, int groups, bool strideInFirst)
    {
        const int InputC = 12, MiddleC = 16, OutputC = 20;
        var state = new RandomState();
        state.AddNormalised("b0.conv1", "b0.bn1", MiddleC, InputC, 1);
        state.AddNormalised("b0.conv2", "b0.bn2", MiddleC, MiddleC / groups, 3);
        state.AddNormalised("b0.conv3", "b0.bn3", OutputC, MiddleC, 1);
        state.AddNormalised("b0.downsample.0", "b0.downsample.1", OutputC, InputC, 1);
        var input = (Shape: new Shape4(2, 9, 13, InputC), Values: CaseValues.Uniform(2 * 9 * 13 * InputC, 1));
        var (first, middle) = strideInFirst ? (stride, 1) : (1, stride);
        var shortcut = state.Convolve(input, "b0.downsample.0", "b0.downsample.1", stride, 0, 1, null, Activation.None);
        var x = state.Convolve(input, "b0.conv1", "b0.bn1", first, 0, 1, null, Activation.Relu);
        x = state.Convolve(x, "b0.conv2", "b0.bn2", middle, 1, groups, null, Activation.Relu);
        x = state.Convolve(x, "b0.conv3", "b0.bn3", 1, 0, 1, shortcut.Values, Activation.Relu);
        CheckBlock(state, input, stride, strideInFirst, x);
    }

    [TestCase(1, 10)]
    [TestCase(2, 14)]
    public void Basic_blocks_agree_with_nested_loops(int stride, int outputC)
    {
        const int InputC = 10;
        var state = new RandomState();
        state.AddNormalised("b0.conv1", "b0.bn1", outputC, InputC, 3);
        state.AddNormalised("b0.conv2", "b0.bn2", outputC, outputC, 3);
        var input = (Shape: new Shape4(1, 7, 10, InputC), Values: CaseValues.Uniform(7 * 10 * InputC, 1));
        var shortcut = input.Values;
        if (stride != 1 || outputC != InputC)
        {
            state.AddNormalised("b0.downsample.0", "b0.downsample.1", outputC, InputC, 1);
            shortcut = state.Convolve(input, "b0.downsample.0", "b0.downsample.1", stride, 0, 1, null, Activation.None).Values;
        }
        var x = state.Convolve(input, "b0.conv1", "b0.bn1", stride, 1, 1, null, Activation.Relu);
        x = state.Convolve(x, "b0.conv2", "b0.bn2", 1, 1, 1, shortcut, Activation.Relu);
        CheckBlock(state, input, stride, strideInFirst: false, x);
    }

    [TestCase(1)]
    [TestCase(3)]
    [TestCase(5)]
    public void A_pyramid_over_any_number_of_maps_agrees_with_nested_loops(int levels)
    {
        const int D = 9;
        var state = new RandomState();
        var maps = new List<(Shape4 Shape, float[] Values)>();
        for (var l = 0; l < levels; l++)
        {
            // Sizes that halve, rounded up: 23 × 37, 12 × 19, 6 × 10, 3 × 5, 2 × 3.
            var shape = new Shape4(1, (23 + (1 << l) - 1) >> l, (37 + (1 << l) - 1) >> l, 4 + 3 * l);
            maps.Add((shape, CaseValues.Uniform(shape.Count, 10 + l)));
            state.AddWithBias($"p.inner_blocks.{l}.0", D, shape.C, 1);
            state.AddWithBias($"p.layer_blocks.{l}.0", D, D, 3);
        }
        using var weights = state.Open();
        using var layers = new LayerSet();
        var layout = new PyramidLayout(PyramidKind.Fpn, D, HasNorms: false, ExtraLevelsKind.Subsampled);
        var pyramid = new FeaturePyramid(layers, "p", layout, [.. maps.Select(m => m.Shape.C)]);
        layers.Load(Device, new WeightReader(weights, Epsilon));
        using var tape = Tape.ForInference(Device);
        using var output = pyramid.Run(tape, new Levels<Variable>(2, [.. maps.Select(m => tape.New(Upload(m)))]));

        Assert.That(output.Count, Is.EqualTo(levels + 1));
        (Shape4 Shape, float[] Values) merged = (default, []);
        for (var l = levels - 1; l >= 0; l--)
        {
            var lateral = state.Convolve(maps[l], $"p.inner_blocks.{l}.0", null, 1, 0, 1, null, Activation.None);
            merged = l == levels - 1
                ? lateral
                : (lateral.Shape, MergeReference.Run(merged.Values, merged.Shape, lateral.Values, lateral.Shape));
            var expected = state.Convolve(merged, $"p.layer_blocks.{l}.0", null, 1, 1, 1, null, Activation.None);
            Comparison.AssertClose(output[2 + l].Value.ToArray(), expected.Values, 2e-5, 1e-4, expected.Shape.ToArray(), $"level {l}");
            if (l == levels - 1)
                Comparison.AssertClose(output[2 + levels].Value.ToArray(), SubsampleReference.Run(expected.Values, expected.Shape), 2e-5, 1e-4);
        }
    }

    [TestCase(PyramidKind.BottomUp, 4)]
    [TestCase(PyramidKind.NoLateral, 4)]
    [TestCase(PyramidKind.NoLateral, 1)]
    [TestCase(PyramidKind.Finest, 3)]
    [TestCase(PyramidKind.SingleMap, 1)]
    public void A_pyramid_that_lacks_a_part_agrees_with_nested_loops(string kind, int count)
    {
        const int D = 9;
        var state = new RandomState();
        var maps = new List<(Shape4 Shape, float[] Values)>();
        for (var l = 0; l < count; l++)
        {
            var shape = new Shape4(2, (23 + (1 << l) - 1) >> l, (37 + (1 << l) - 1) >> l, 4 + 3 * l);
            maps.Add((shape, CaseValues.Uniform(shape.Count, 10 + l)));
            if (kind != PyramidKind.NoLateral || l == count - 1)
                state.AddWithBias($"p.inner_blocks.{l}.0", D, shape.C, 1);
            if (kind != PyramidKind.Finest || l == 0)
                state.AddWithBias($"p.layer_blocks.{l}.0", D, D, 3);
        }
        using var weights = state.Open();
        using var layers = new LayerSet();
        IPyramid pyramid = kind == PyramidKind.SingleMap
            ? new SingleMap(maps[^1].Shape.C)
            : new AblatedPyramid(
                layers, "p", new PyramidLayout(kind, D, HasNorms: false, ExtraLevelsKind.Subsampled), [.. maps.Select(m => m.Shape.C)]);
        layers.Load(Device, new WeightReader(weights, Epsilon));
        using var tape = Tape.ForInference(Device);
        using var output = pyramid.Run(tape, new Levels<Variable>(2, [.. maps.Select(m => tape.New(Upload(m)))]));

        var expected = new List<(Shape4 Shape, float[] Values)>();
        (Shape4 Shape, float[] Values) merged = (default, []);
        for (var l = count - 1; l >= 0; l--)
        {
            var lateral = kind == PyramidKind.NoLateral && l < count - 1
                ? (maps[l].Shape with { C = D }, new float[(maps[l].Shape with { C = D }).Count])
                : state.Convolve(maps[l], $"p.inner_blocks.{l}.0", null, 1, 0, 1, null, Activation.None);
            merged = l == count - 1 || kind == PyramidKind.BottomUp
                ? lateral
                : (lateral.Item1, MergeReference.Run(merged.Values, merged.Shape, lateral.Item2, lateral.Item1));
            if (kind != PyramidKind.Finest || l == 0)
                expected.Insert(0, state.Convolve(merged, $"p.layer_blocks.{l}.0", null, 1, 1, 1, null, Activation.None));
        }
        if (kind is PyramidKind.BottomUp or PyramidKind.NoLateral)
            expected.Add((default, SubsampleReference.Run(expected[^1].Values, expected[^1].Shape)));
        if (kind == PyramidKind.SingleMap)
            expected = [maps[^1]];
        Assert.That(output.Count, Is.EqualTo(expected.Count).And.EqualTo(pyramid.Levels));
        for (var l = 0; l < output.Count; l++)
            Comparison.AssertClose(output[output.Finest + l].Value.ToArray(), expected[l].Values, 2e-5, 1e-4, what: $"level {l}");
    }

    private void CheckBlock(
        RandomState state, (Shape4 Shape, float[] Values) input, int stride, bool strideInFirst, (Shape4 Shape, float[] Values) expected)
    {
        using var weights = state.Open();
        var (reader, channels) = (new WeightReader(weights, Epsilon), input.Shape.C);
        var layout = BlockLayout.ReadStage(reader, "b", ref channels, stride, strideInFirst)[0];
        using var layers = new LayerSet();
        var block = new ResidualBlock(layers, "b0", input.Shape.C, layout, stride);
        layers.Load(Device, reader);
        using var deviceInput = Upload(input);
        using var tape = Tape.ForInference(Device);
        using var result = block.Run(tape, tape.Input(deviceInput));
        var output = result.Value;
        Assert.That(output.Shape, Is.EqualTo(new Shape(expected.Shape.N, expected.Shape.H, expected.Shape.W, expected.Shape.C)));
        Comparison.AssertClose(output.ToArray(), expected.Values, 2e-5, 1e-4, expected.Shape.ToArray());
        Assert.That(deviceInput.ToArray(), Is.EqualTo(input.Values), "the input is unchanged");
    }

    private Tensor Upload((Shape4 Shape, float[] Values) map)
        => Tensor.Upload(Device, new Shape(map.Shape.N, map.Shape.H, map.Shape.W, map.Shape.C), map.Values);

    /// <summary>Seeded weights with PyTorch's names and layout, and the results of nested loops that use them.</summary>
    private sealed class RandomState
    {
        private readonly Dictionary<string, StateTensor> tensors = [];

        public StateDictionary Open() => new("random", tensors.Values);

        public void AddNormalised(string convolution, string batchNorm, int outputC, int inputC, int kernel)
        {
            Add($"{convolution}.weight", [outputC, inputC, kernel, kernel], -1, 1);
            Add($"{batchNorm}.weight", [outputC], 0.5f, 1);
            Add($"{batchNorm}.bias", [outputC], -1, 1);
            Add($"{batchNorm}.running_mean", [outputC], -1, 1);
            Add($"{batchNorm}.running_var", [outputC], 0.5f, 2);
        }

        public void AddWithBias(string name, int outputC, int inputC, int kernel)
        {
            Add($"{name}.weight", [outputC, inputC, kernel, kernel], -1, 1);
            Add($"{name}.bias", [outputC], -1, 1);
        }

        public (Shape4 Shape, float[] Values) Convolve(
            (Shape4 Shape, float[] Values) input, string convolution, string? batchNorm, int stride, int padding, int groups,
            float[]? residual, Activation activation)
        {
            var torch = tensors[$"{convolution}.weight"];
            var (k, c, kernel) = (torch.Shape[0], torch.Shape[1], torch.Shape[2]);
            var values = torch.ToArray();
            var weights = new float[values.Length];
            foreach (var (o, y, x, i) in new Shape4(k, kernel, kernel, c).Elements())
                weights[((y * kernel + x) * c + i) * k + o] = values[((o * c + i) * kernel + y) * kernel + x];
            var bias = batchNorm is null ? tensors[$"{convolution}.bias"].ToArray() : null;
            var shape = Conv2dReference.OutputShape(input.Shape, (kernel, kernel), k, (stride, stride), (padding, padding), (1, 1));
            var result = Conv2dReference.Run(
                input.Values, weights, bias, null, input.Shape, (kernel, kernel), k, (stride, stride), (padding, padding), (1, 1), groups);
            foreach (var (n, y, x, o) in shape.Elements())
            {
                var at = shape.At(n, y, x, o);
                if (batchNorm is not null)
                    result[at] = Normalise(batchNorm, result[at], o);
                if (residual is not null)
                    result[at] += residual[at];
                result[at] = (float)ActivationReference.Of(result[at], activation);
            }
            return (shape, result);
        }

        private float Normalise(string name, float x, int k)
        {
            float Of(string tensor) => tensors[$"{name}.{tensor}"].ToArray()[k];
            return (x - Of("running_mean")) / MathF.Sqrt(Of("running_var") + Epsilon) * Of("weight") + Of("bias");
        }

        private void Add(string name, int[] shape, float from, float to)
            => tensors[name] = StateTensor.FromValues(
                name, shape, CaseValues.Uniform(shape.Aggregate(1, (a, b) => a * b), tensors.Count + 1, from, to));
    }
}
