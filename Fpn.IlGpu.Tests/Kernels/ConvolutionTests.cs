using Fpn.IlGpu.Kernels;
using Fpn.IlGpu.Runtime;
using Fpn.IlGpu.Tensors;
using Fpn.IlGpu.Tests.Reference;
using Fpn.IlGpu.Verification;

namespace Fpn.IlGpu.Tests.Kernels;

/// <summary>Every form of the convolution against nested loops.</summary>
[TestFixtureSource(typeof(TestDevices), nameof(TestDevices.AllAndOpenCl))]
internal sealed class ConvolutionTests(string deviceId)
{
    private Device Device => TestDevices.Open(deviceId);

    // In addition to the cases of `fpn verify`: a deeper product, a map smaller than the window, a larger map, groups with a stride.
    public static IEnumerable<TestCaseData> Cases()
    {
        TestCaseData Case(
            int n, int h, int w, int c, int k,
            (int, int) kernel, (int, int) stride, (int, int) padding, (int, int) dilation, int groups = 1)
            => new TestCaseData(new Shape4(n, h, w, c), k, kernel, new ConvolutionWindow(stride, padding, dilation, groups));

        foreach (var p in ConvolutionCases.Shapes)
            yield return new TestCaseData(p.Input, p.K, p.Kernel, p.Window);
        yield return Case(1, 1, 13, 20_000, 33, (1, 1), (1, 1), (0, 0), (1, 1));
        yield return Case(1, 2, 2, 4, 64, (3, 3), (1, 1), (1, 1), (1, 1));
        yield return Case(3, 30, 37, 32, 100, (3, 3), (1, 1), (2, 3), (1, 1));
        yield return Case(1, 10, 15, 32, 64, (3, 3), (2, 2), (1, 1), (1, 1), groups: 8);
    }

    /// <summary>The whole shape, or on the slow interpreter the first rows of a large map and the first channels of a deep one.</summary>
    public static Shape4 Affordable(Device device, Shape4 shape)
    {
        var isLarge = shape.N * shape.H * shape.W > 500 && shape.H > 5;
        return !TestDevices.IsSlow(device) ? shape : shape with
        {
            N = isLarge ? Math.Min(shape.N, 2) : shape.N,
            H = isLarge ? 5 : shape.H,
            C = Math.Min(shape.C, 2000),
        };
    }

    private const long MostWithAllEndings = 40_000;

    // Every activation, some with a residual.
    private static readonly (bool Residual, Activation Activation)[] Endings =
    [
        (false, Activation.None), (true, Activation.Relu), (true, Activation.HardSigmoid), (false, Activation.HardSwish),
        (true, Activation.Silu), (false, Activation.Sigmoid),
    ];

    [TestCaseSource(nameof(Cases))]
    public void Every_form_agrees_with_nested_loops(Shape4 shape, int k, (int, int) kernel, ConvolutionWindow window)
    {
        shape = Affordable(Device, shape);
        var geometry = new ConvolutionGeometry(kernel.Item1, kernel.Item2, shape.C / window.ChannelGroups, k, window);
        // Forms that round alike share the nested loops' results.
        var expected = new Dictionary<(ConvolutionForm, Activation), float[]>();
        foreach (var form in TestDevices.Forms(Device, geometry))
            Check(shape, geometry, form, expected);
    }

    // Kernel, C, K and groups; together they reach every form. The output is [2, 9, 14, K], the coarser map 5 × 7, then 4 × 14.
    [TestCase(1, 24, 40, 1)]
    [TestCase(3, 16, 33, 1)]
    [TestCase(3, 12, 12, 12)]
    public void A_coarser_map_is_upsampled_and_added(int kernel, int c, int k, int groups)
    {
        var output = new Shape(2, 9, 14, k);
        var geometry = new ConvolutionGeometry(
            kernel, kernel, c / groups, k, ConvolutionWindow.Square(padding: kernel / 2, groups: groups));
        var weights = CaseValues.Uniform(kernel * kernel * geometry.ChannelGroupInputC * k, 2);
        var bias = CaseValues.Uniform(k, 3);
        using var input = Tensor.Upload(Device, output with { C = c }, CaseValues.Uniform((int)(output with { C = c }).Length, 1));
        foreach (var coarse in (Shape[])[output with { H = 5, W = 7 }, output with { H = 4 }])
        {
            using var top = Tensor.Upload(Device, coarse, CaseValues.Uniform((int)coarse.Length, 4));
            using var upsampled = Tensor.Rent(Device, output);
            UpsampleMerge.Upsample(Device, top, upsampled);
            foreach (var form in TestDevices.Forms(Device, geometry))
            {
                using var packed = ConvolutionWeights.From(Device, weights, bias, geometry, form);
                using var expected = Tensor.Rent(Device, output);
                using var actual = Tensor.Upload(Device, output, [.. Enumerable.Repeat(float.NaN, (int)output.Length)]);
                Convolution.Run(Device, input, packed, upsampled, Activation.Relu, expected);
                Convolution.Run(Device, input, packed, top, Activation.Relu, actual, upsampleResidual: true);
                Assert.That(actual.ToArray(), Is.EqualTo(expected.ToArray()), $"{form}, {coarse}");
            }
        }
    }

    [Test]
    public void Sizes_that_do_not_fit_are_refused_with_both_shapes()
    {
        using var input = Tensor.Upload(Device, new Shape(1, 4, 4, 3), new float[48]);
        using var weights = ConvolutionWeights.From(
            Device, new float[9 * 3 * 2], new float[2], new(3, 3, 3, 2, ConvolutionWindow.Square()));
        using var output = Tensor.Rent(Device, new Shape(1, 4, 4, 2));
        Assert.That(
            () => Convolution.Run(Device, input, weights, null, Activation.None, output),
            Throws.ArgumentException.With.Message.Contains("[1, 2, 2, 2]").And.Message.Contains("[1, 4, 4, 2]"));
        Assert.That(
            () => Convolution.Run(Device, output, weights, null, Activation.None, output),
            Throws.ArgumentException.With.Message.Contains("3 channels"));
        Assert.That(
            () => ConvolutionWindow.Square().OutputShape(new Shape(1, 2, 2, 3), 3, 3, 2),
            Throws.ArgumentException.With.Message.Contains("3×3"));
    }

    private void Check(
        Shape4 shape, ConvolutionGeometry geometry, ConvolutionForm form, Dictionary<(ConvolutionForm, Activation), float[]> results)
    {
        var (window, k) = (geometry.Window, geometry.OutputC);
        var input = CaseValues.Uniform(shape.Count, 1);
        var weights = CaseValues.Uniform(geometry.KernelH * geometry.KernelW * geometry.ChannelGroupInputC * k, 2);
        var bias = CaseValues.Uniform(k, 3);
        var outputShape = window.OutputShape(new Shape(shape.N, shape.H, shape.W, shape.C), geometry.KernelH, geometry.KernelW, k);
        var residual = CaseValues.Uniform((int)outputShape.Length, 4);
        using var deviceInput = Tensor.Upload(Device, new Shape(shape.N, shape.H, shape.W, shape.C), input);
        using var deviceResidual = Tensor.Upload(Device, outputShape, residual);
        using var packed = ConvolutionWeights.From(Device, weights, bias, geometry, form);

        var multiplyAdds = outputShape.Length * geometry.KernelH * geometry.KernelW * geometry.ChannelGroupInputC;
        foreach (var (withResidual, activation) in TestDevices.IsSlow(Device) && multiplyAdds > MostWithAllEndings ? Endings[1..2] : Endings)
        {
            if (!results.TryGetValue((RoundedOperands.Of(form), activation), out var expected))
            {
                results[(RoundedOperands.Of(form), activation)] = expected = Conv2dReference.Run(
                    RoundedOperands.For(form, input), RoundedOperands.For(form, weights), bias, withResidual ? residual : null, shape,
                    (geometry.KernelH, geometry.KernelW), k, window.Stride, window.Padding, window.Dilation, window.ChannelGroups, activation);
            }
            // Values that the kernel doesn't write stay NaN, which never passes.
            using var output = Tensor.Upload(Device, outputShape, Enumerable.Repeat(float.NaN, (int)outputShape.Length).ToArray());
            Convolution.Run(Device, deviceInput, packed, withResidual ? deviceResidual : null, activation, output);
            Comparison.AssertClose(
                output.ToArray(), expected, 1e-5 * Math.Sqrt(shape.C) * RoundedOperands.Coarseness(form), 1e-5,
                [outputShape.N, outputShape.H, outputShape.W, outputShape.C], $"{form}, residual {withResidual}, {activation}");
        }
    }
}
