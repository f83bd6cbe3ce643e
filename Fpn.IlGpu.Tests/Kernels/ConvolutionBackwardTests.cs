using Fpn.IlGpu.Kernels;
using Fpn.IlGpu.Runtime;
using Fpn.IlGpu.Tensors;
using Fpn.IlGpu.Tests.Reference;
using Fpn.IlGpu.Verification;

namespace Fpn.IlGpu.Tests.Kernels;

/// <summary>Every form of a convolution's gradients against nested loops and against differences of the forward pass.</summary>
internal sealed class ConvolutionBackwardTests(string deviceId) : DeviceTests(deviceId)
{
    // In addition to the forward pass's cases: strides with and without a common factor with the dilation, strides that leave
    // pixels outside every window, padding larger than the window, a single row or column, batches of several chunks, and
    // channel counts around a tile's.
    private static IEnumerable<TestCaseData> Cases()
    {
        foreach (var forward in ConvolutionTests.Cases())
            yield return forward;

        static TestCaseData Case(
            int n, int h, int w, int c, int k,
            (int, int) kernel, (int, int) stride, (int, int) padding, (int, int) dilation, int groups = 1)
            => new(new Shape4(n, h, w, c), k, kernel, new ConvolutionWindow(stride, padding, dilation, groups));

        yield return Case(2, 9, 8, 5, 3, (2, 2), (3, 3), (0, 0), (1, 1));
        yield return Case(2, 11, 10, 3, 5, (3, 3), (2, 2), (2, 2), (2, 2));
        yield return Case(1, 13, 9, 4, 6, (3, 4), (4, 3), (3, 5), (2, 2));
        yield return Case(1, 12, 13, 4, 6, (3, 3), (3, 2), (3, 1), (2, 4), groups: 2);
        yield return Case(2, 5, 1, 16, 16, (3, 3), (1, 1), (3, 4), (1, 1));
        yield return Case(1, 1, 40, 13, 31, (1, 3), (1, 2), (0, 1), (1, 1));
        yield return Case(40, 3, 3, 7, 34, (3, 3), (1, 1), (0, 0), (1, 1));
        yield return Case(9, 5, 5, 16, 32, (3, 3), (1, 1), (1, 1), (1, 1));
        yield return Case(3, 16, 11, 18, 65, (1, 1), (1, 1), (0, 0), (1, 1));
        yield return Case(2, 7, 150, 12, 8, (3, 3), (1, 1), (1, 1), (1, 1));
        yield return Case(2, 17, 16, 24, 24, (1, 1), (2, 2), (0, 0), (1, 1));
        yield return Case(1, 9, 9, 10, 20, (3, 3), (2, 2), (1, 1), (1, 1), groups: 10);
        yield return Case(1, 9, 10, 11, 11, (3, 3), (3, 2), (1, 4), (2, 2), groups: 11);
        // ResNeXt's groups of 4 and 8 channels, and MobileNetV3's windows of 5.
        yield return Case(2, 9, 11, 32, 32, (3, 3), (1, 1), (1, 1), (1, 1), groups: 8);
        yield return Case(2, 10, 9, 32, 32, (3, 3), (2, 2), (1, 1), (1, 1), groups: 4);
        yield return Case(1, 9, 10, 20, 30, (5, 5), (2, 2), (2, 2), (1, 1), groups: 5);
        yield return Case(1, 11, 14, 35, 35, (5, 5), (1, 1), (2, 2), (1, 1), groups: 35);
        yield return Case(2, 7, 3, 24, 24, (5, 5), (2, 2), (2, 2), (1, 1), groups: 24);
    }

    [TestCaseSource(nameof(Cases))]
    public void Every_form_agrees_with_nested_loops(Shape4 shape, int k, (int, int) kernel, ConvolutionWindow window)
    {
        shape = ConvolutionTests.Affordable(Device, shape);
        var geometry = new ConvolutionGeometry(kernel.Item1, kernel.Item2, shape.C / window.ChannelGroups, k, window);
        using var run = new ConvolutionRun(Device, geometry, new Shape(shape.N, shape.H, shape.W, shape.C));
        var expected = Conv2dGradientReference.Run(geometry, run.InputValues, run.WeightValues, run.OutputGradientValues, run.Input.Shape);

        foreach (var accumulate in (bool[])[false, true])
        {
            Close(run.InputGradient(accumulate), expected.Input, accumulate, $"input, accumulated {accumulate}");
            Close(run.BiasGradient(accumulate), expected.Bias, accumulate, $"bias, accumulated {accumulate}");
            foreach (var form in ConvolutionBackwardWeights.Ladder(Device, geometry))
                Close(run.WeightGradient(form, accumulate), expected.Weights, accumulate, $"weights, {form}, accumulated {accumulate}");
        }
        Close(run.NaiveInputGradient(), expected.Input, accumulated: false, "input, naive");
    }

    [TestCaseSource(nameof(Cases))]
    public void Weights_packed_on_the_device_equal_those_packed_on_the_host(
        Shape4 shape, int k, (int, int) kernel, ConvolutionWindow window)
    {
        var geometry = new ConvolutionGeometry(kernel.Item1, kernel.Item2, shape.C / window.ChannelGroups, k, window);
        var weights = CaseValues.Uniform(k * geometry.ChannelGroupInputC * geometry.KernelH * geometry.KernelW, 2);
        var bias = CaseValues.Uniform(k, 3);
        using var parameter = Device.Upload<float>(weights);
        using var others = Device.Upload<float>(CaseValues.Unwritten(weights.Length));
        using var biasParameter = Device.Upload<float>(bias);
        // Weights for tensor cores are rounded, and never trained.
        foreach (var form in TestDevices.Forms(Device, geometry)
            .Where(f => f is not (ConvolutionForm.TensorTf32 or ConvolutionForm.TensorFp16)))
        {
            using var host = ConvolutionWeights.From(Device, Conv2dGradientReference.ToForward(geometry, weights), bias, geometry, form);
            using var device = ConvolutionWeights.Reserve(
                Device, geometry, WeightLayout.Forward(geometry), biasParameter.View, form);
            // Values that the second packing misses would be left over from the first.
            device.Pack(Device, others.View);
            device.Pack(Device, parameter.View);
            var (actual, expected) = (ConvolutionRun.Download(Device, device.Values), ConvolutionRun.Download(Device, host.Values));
            // The device transforms Winograd weights in float32, the host in double.
            Comparison.AssertClose(actual, expected, ConvolutionForms.IsWinograd(form) ? 1e-6 : 0, 0, [], $"{form}");
        }
    }

    // Small shapes, because every value is moved in turn: the direct and Winograd forms, strides, dilation, groups, depthwise.
    [TestCase(3, 16, 16, 1, 1, 1, 1)]
    [TestCase(3, 3, 5, 2, 1, 1, 1)]
    [TestCase(3, 4, 6, 2, 3, 2, 2)]
    [TestCase(1, 5, 3, 2, 0, 1, 1)]
    [TestCase(3, 6, 6, 1, 1, 1, 6)]
    public void Gradients_agree_with_differences_of_the_forward_pass(
        int kernel, int c, int k, int stride, int padding, int dilation, int groups)
    {
        var geometry = new ConvolutionGeometry(
            kernel, kernel, c / groups, k, ConvolutionWindow.Square(stride, padding, dilation, groups));
        using var run = new ConvolutionRun(Device, geometry, new Shape(2, 5, 4, c));
        Close(run.InputGradient(accumulate: false), run.InputValues, "input");
        Close(run.WeightGradient(null, accumulate: false), run.WeightValues, "weights");
        Close(run.BiasGradient(accumulate: false), run.BiasValues, "bias");

        void Close(float[] gradient, float[] values, string what)
        {
            // The loss Σ dout · out is linear in each single value, so a large step adds no error.
            const float Step = 0.5f;
            for (var i = 0; i < values.Length; i++)
            {
                var value = values[i];
                values[i] = value + Step;
                var above = run.ReferenceLoss();
                values[i] = value - Step;
                var below = run.ReferenceLoss();
                values[i] = value;
                var difference = (above - below) / (2 * Step);
                Assert.That(gradient[i], Is.EqualTo(difference).Within(1e-3 * Math.Max(Math.Abs(difference), 0.1)), $"{what} [{i}]");
            }
        }
    }

    [TestCase(7, 3, 3, 5, 9)]
    [TestCase(150, 1, 1, 40, 33)]
    [TestCase(300, 7, 7, 3, 40)]
    [TestCase(1, 2, 4, 3, 5)]
    [TestCase(5, 3, 3, 16, 16)]
    [TestCase(140, 7, 7, 20, 33)]
    public void Fully_connected_layers_over_maps_agree_with_nested_loops(int m, int h, int w, int c, int k)
    {
        var geometry = new ConvolutionGeometry(h, w, c, k, ConvolutionWindow.Square());
        using var run = new ConvolutionRun(Device, geometry, new Shape(m, h, w, c));
        var expected = Conv2dGradientReference.Run(geometry, run.InputValues, run.WeightValues, run.OutputGradientValues, run.Input.Shape);
        using var backward = MatrixProductBackward.Reserve(Device, geometry);
        backward.Pack(run.Parameter);
        using var gradient = Tensor.Upload(Device, run.Input.Shape, run.InputValues);
        backward.Run(run.OutputGradient, gradient);
        Close(gradient.ToArray(), expected.Input, accumulated: false, "input");
        backward.Run(run.OutputGradient, gradient, accumulate: true);
        Close(gradient.ToArray(), [.. expected.Input.Select(value => 2 * value)], accumulated: false, "input, twice");
        Close(run.WeightGradient(null, accumulate: false), expected.Weights, accumulated: false, "weights");

        using var bias = Device.Upload<float>(run.BiasValues);
        using var forward = ConvolutionWeights.ReserveProduct(Device, geometry, bias.View);
        forward.Pack(Device, run.Parameter);
        using var rows = Device.Upload<int>([m]);
        using var output = Tensor.Rent(Device, run.OutputGradient.Shape);
        MatrixProduct.Run(Device, run.Input, forward, rows.View, Activation.None, output);
        Close(output.ToArray(), run.ReferenceOutput(), accumulated: false, "output");
    }

    [Test]
    public void Gradients_are_bitwise_reproducible()
    {
        foreach (var groups in (int[])[1, 16])
        {
            var geometry = new ConvolutionGeometry(3, 3, 16 / groups, 16, ConvolutionWindow.Square(padding: 1, groups: groups));
            using var run = new ConvolutionRun(Device, geometry, new Shape(2, 21, 25, 16));
            var (data, weights, bias) = (run.InputGradient(false), run.WeightGradient(null, false), run.BiasGradient(false));
            for (var i = 0; i < 3; i++)
            {
                Assert.That(run.InputGradient(false), Is.EqualTo(data));
                Assert.That(run.WeightGradient(null, false), Is.EqualTo(weights));
                Assert.That(run.BiasGradient(false), Is.EqualTo(bias));
            }
        }
    }

    [Test]
    public void Sizes_that_do_not_fit_are_refused()
    {
        var geometry = new ConvolutionGeometry(3, 3, 4, 5, ConvolutionWindow.Square(padding: 1));
        using var input = Tensor.Rent(Device, new Shape(1, 6, 6, 4));
        using var output = Tensor.Rent(Device, new Shape(1, 6, 6, 5));
        using var other = Tensor.Rent(Device, new Shape(1, 5, 6, 5));
        using var weights = Device.Rent<float>(180);
        using var backward = ConvolutionBackwardData.Reserve(Device, geometry);
        Assert.That(() => backward.Run(other, input), Throws.ArgumentException.With.Message.Contains("[1, 5, 6, 5]"));
        Assert.That(
            () => ConvolutionBackwardWeights.Run(Device, geometry, input, other, weights.View),
            Throws.ArgumentException.With.Message.Contains("[1, 5, 6, 5]"));
        Assert.That(
            () => ConvolutionBackwardWeights.Run(Device, geometry, input, output, weights.View.SubView(0, 179)),
            Throws.ArgumentException.With.Message.Contains("180"));
        Assert.That(() => ConvolutionBackwardBias.Run(Device, output, weights.View), Throws.ArgumentException.With.Message.Contains("180"));
        using var packed = ConvolutionWeights.From(Device, new float[180], new float[5], geometry);
        Assert.That(() => packed.Pack(Device, weights.View), Throws.InvalidOperationException);
    }

    private static void Close(float[] actual, float[] expected, bool accumulated, string what)
    {
        // Accumulation starts from 1.
        var all = accumulated ? [.. expected.Select(value => value + 1)] : expected;
        Comparison.AssertClose(actual, all, 1e-5 * Math.Max(1, all.Max(Math.Abs)), 1e-5, [], what);
    }
}

/// <summary>How a CPU splits the work of weight gradients.</summary>
internal sealed class WeightGradientPlanTests
{
    [TestCase(3, 32, 32, 40)]
    [TestCase(3, 256, 256, 10)]
    [TestCase(1, 4704, 256, 1)]
    public void Partial_sums_do_not_depend_on_the_number_of_threads(int kernel, int c, int k, int side)
    {
        var geometry = new ConvolutionGeometry(kernel, kernel, c, k, ConvolutionWindow.Square(padding: kernel / 2));
        var shape = new Shape(8, side, side, c);
        var sizes = ConvolutionSizes.From(shape, shape with { C = k }, geometry, Residual.None, Activation.None);
        var few = SimdBackwardWeights.Plan.Of(sizes, threads: 1);
        var many = SimdBackwardWeights.Plan.Of(sizes, threads: 64);
        Assert.That(many with { Ranges = few.Ranges, BlocksAtOnce = few.BlocksAtOnce }, Is.EqualTo(few));
        Assert.That(many.Parts(1), Is.AtLeast(few.Parts(1)));
    }
}

/// <summary>Gradients on every GPU device, including the interpreted OpenCL device.</summary>
[TestFixtureSource(typeof(TestDevices), nameof(TestDevices.GpusAndOpenCl))]
internal sealed class ConvolutionBackwardOnGpuTests(string deviceId) : TestsOnDevice(deviceId)
{
    [TestCase(3, 5, 7, 1, 1, 1, 1)]
    [TestCase(3, 8, 6, 2, 1, 2, 2)]
    [TestCase(1, 3, 17, 2, 0, 1, 1)]
    [TestCase(3, 5, 5, 1, 1, 1, 5)]
    public void Weight_gradients_agree_with_nested_loops(int kernel, int c, int k, int stride, int padding, int dilation, int groups)
    {
        var geometry = new ConvolutionGeometry(
            kernel, kernel, c / groups, k, ConvolutionWindow.Square(stride, padding, dilation, groups));
        using var run = new ConvolutionRun(Device, geometry, new Shape(3, 15, 13, c));
        var expected = Conv2dGradientReference.Run(geometry, run.InputValues, run.WeightValues, run.OutputGradientValues, run.Input.Shape);
        foreach (var form in ConvolutionBackwardWeights.Ladder(Device, geometry))
            Comparison.AssertClose(run.WeightGradient(form, accumulate: false), expected.Weights, 1e-4, 1e-5, [], $"{form}");
        Comparison.AssertClose(run.BiasGradient(accumulate: false), expected.Bias, 1e-4, 1e-5);
    }

    // Covers Winograd's points and a partly filled block.
    [Test]
    public void Packed_weights_equal_those_of_the_host()
    {
        var geometry = new ConvolutionGeometry(3, 3, 16, 21, ConvolutionWindow.Square(padding: 1));
        var weights = CaseValues.Uniform(21 * 16 * 9, 2);
        using var parameter = Device.Upload<float>(weights);
        foreach (var form in (ConvolutionForm[])[ConvolutionForm.Naive, ConvolutionForm.Tile, ConvolutionForm.StagedWinograd])
        {
            using var host = ConvolutionWeights.From(
                Device, Conv2dGradientReference.ToForward(geometry, weights), new float[21], geometry, form);
            using var device = ConvolutionWeights.Reserve(Device, geometry, WeightLayout.Forward(geometry), null, form);
            device.Pack(Device, parameter.View);
            var (actual, expected) = (ConvolutionRun.Download(Device, device.Values), ConvolutionRun.Download(Device, host.Values));
            Comparison.AssertClose(actual, expected, 1e-6, 0, [], $"{form}");
        }
    }
}
