using Fpn.IlGpu.Kernels;
using Fpn.IlGpu.Runtime;
using Fpn.IlGpu.Tensors;
using Fpn.IlGpu.Tests.Reference;
using Fpn.IlGpu.Verification;

namespace Fpn.IlGpu.Tests.Kernels;

/// <summary>What only the GPU forms do: split the depth, fill tiles partly, handle addresses not aligned to four values, round.</summary>
[TestFixtureSource(typeof(TestDevices), nameof(TestDevices.Gpus))]
internal sealed class ImplicitGemmTests(string deviceId)
{
    private Device Device => TestDevices.Open(deviceId);

    private static IEnumerable<ConvolutionForm> Grouped(Device device, ConvolutionGeometry geometry)
        => TestDevices.Forms(device, geometry).Where(form => form is >= ConvolutionForm.SharedTile and <= ConvolutionForm.TensorFp16);

    // Numbers of multiprocessors that split a depth of 9·C into 1, 2 and 4 parts, the last one shorter.
    [TestCase(36, 1, 1)]
    [TestCase(36, 2, 2)]
    [TestCase(60, 100, 4)]
    public void With_few_tiles_the_depth_is_split_and_results_are_reproducible(int c, int multiprocessors, int splits)
    {
        const int K = 200;
        var limits = Device.Limits;
        try
        {
            Device.Limits = limits with { Multiprocessors = multiprocessors };
            var geometry = new ConvolutionGeometry(3, 3, c, K, ConvolutionWindow.Square(padding: 1));
            var shape = new Shape4(1, 5, 7, c);
            var (input, weights, bias) = (CaseValues.Uniform(shape.Count, 1), CaseValues.Uniform(9 * c * K, 2), CaseValues.Uniform(K, 3));
            var outputShape = new Shape(1, 5, 7, K);
            var residual = CaseValues.Uniform((int)outputShape.Length, 4);
            using var deviceInput = Tensor.Upload(Device, new Shape(1, 5, 7, c), input);
            using var deviceResidual = Tensor.Upload(Device, outputShape, residual);
            foreach (var form in Grouped(Device, geometry))
            {
                using var packed = ConvolutionWeights.From(Device, weights, bias, geometry, form);
                using var output = Tensor.Upload(Device, outputShape, [.. Enumerable.Repeat(float.NaN, (int)outputShape.Length)]);
                using var again = Tensor.Rent(Device, outputShape);
                Convolution.Run(Device, deviceInput, packed, deviceResidual, Activation.Relu, output);
                Convolution.Run(Device, deviceInput, packed, deviceResidual, Activation.Relu, again);
                Assert.That(again.ToArray(), Is.EqualTo(output.ToArray()), $"{form}, twice");
                var expected = Conv2dReference.Run(
                    RoundedOperands.For(form, input), RoundedOperands.For(form, weights), bias, residual, shape, (3, 3), K, (1, 1), (1, 1),
                    (1, 1), 1, Activation.Relu);
                Comparison.AssertClose(
                    output.ToArray(), expected, 1e-4 * RoundedOperands.Coarseness(form), 1e-5, [1, 5, 7, K], $"{form}");
                if (form == ConvolutionForm.RegisterTile)
                    Assert.That(SplitsOf(form, geometry, deviceInput, output), Is.EqualTo(splits));
            }
        }
        finally
        {
            Device.Limits = limits;
        }
    }

    [Test]
    public void A_slice_not_aligned_to_four_values_is_read_and_written()
    {
        var geometry = ConvolutionGeometry.Product(8, 12);
        var (input, weights, bias) = (CaseValues.Uniform(15 * 8, 1), CaseValues.Uniform(8 * 12, 2), CaseValues.Uniform(12, 3));
        using var inputs = Device.Upload<float>([0, .. input]);
        using var outputs = Device.Upload<float>([.. Enumerable.Repeat(float.NaN, 2 + 15 * 12)]);
        using var slice = Tensor.Slice(inputs, 1, new Shape(1, 3, 5, 8));
        using var target = Tensor.Slice(outputs, 2, new Shape(1, 3, 5, 12));
        foreach (var form in Grouped(Device, geometry))
        {
            using var packed = ConvolutionWeights.From(Device, weights, bias, geometry, form);
            Convolution.Run(Device, slice, packed, null, Activation.None, target);
            var expected = MatMulReference.Run(RoundedOperands.For(form, input), RoundedOperands.For(form, weights), bias, 15, 8, 12);
            Comparison.AssertClose(target.ToArray(), expected, 1e-5, 1e-5, [15, 12], $"{form}");
        }
    }

    [TestCase(ConvolutionForm.TensorTf32)]
    [TestCase(ConvolutionForm.TensorFp16)]
    public void Tensor_core_rounding_stays_within_the_documented_bound(ConvolutionForm form)
    {
        var geometry = new ConvolutionGeometry(3, 3, 32, 64, ConvolutionWindow.Square(padding: 1));
        if (!ConvolutionForms.Takes(Device, form, geometry))
            Assert.Ignore($"{Device.Info.Name} has no tensor cores.");
        var shape = new Shape4(1, 6, 9, 32);
        var (input, weights) = (CaseValues.Uniform(shape.Count, 5), CaseValues.Uniform(9 * 32 * 64, 6));
        using var deviceInput = Tensor.Upload(Device, new Shape(1, 6, 9, 32), input);
        using var packed = ConvolutionWeights.From(Device, weights, new float[64], geometry, form);
        using var output = Tensor.Rent(Device, new Shape(1, 6, 9, 64));
        Convolution.Run(Device, deviceInput, packed, null, Activation.None, output);
        var expected = Run(input, weights);
        var magnitude = Run([.. input.Select(Math.Abs)], [.. weights.Select(Math.Abs)]);
        var shares = output.ToArray().Select((o, i) => Math.Abs(o - expected[i]) / magnitude[i]).ToList();
        Assert.That(shares, Has.All.LessThanOrEqualTo(Math.ScaleB(1, -10)));
        // The operands were rounded at all.
        Assert.That(shares.Max(), Is.GreaterThan(1e-6));

        float[] Run(float[] x, float[] w) => Conv2dReference.Run(x, w, null, null, shape, (3, 3), 64, (1, 1), (1, 1), (1, 1));
    }

    private int SplitsOf(ConvolutionForm form, ConvolutionGeometry geometry, Tensor input, Tensor output)
    {
        var sizes = ConvolutionSizes.From(input.Shape, output.Shape, geometry, Residual.None, Activation.None);
        var shape = ImplicitGemm.Shape(form, geometry.ChannelGroupOutputC);
        return GroupTiling.Plan(Device, shape, sizes, input, null, output).Splits;
    }
}

/// <summary>The rules that choose a device's form and precision, which need no device to test.</summary>
internal sealed class ConvolutionFormsTests
{
    private static readonly DeviceInfo Plain = new("cuda:0", DeviceKind.Cuda, "A GPU", 0, null, false);

    [Test]
    public void Tensor_cores_use_tf32_by_default()
    {
        var withCores = Plain with { HasTensorCores = true };
        Assert.That(Device.ChoosePrecision(withCores, null), Is.EqualTo(Precision.Tf32));
        Assert.That(Device.ChoosePrecision(withCores, Precision.Fp32), Is.EqualTo(Precision.Fp32));
        Assert.That(Device.ChoosePrecision(withCores, Precision.Fp16), Is.EqualTo(Precision.Fp16));
        Assert.That(Device.ChoosePrecision(Plain, null), Is.EqualTo(Precision.Fp32));
        Assert.That(Device.ChoosePrecision(Plain, Precision.Fp32), Is.EqualTo(Precision.Fp32));
    }

    [TestCase(Precision.Tf32)]
    [TestCase(Precision.Fp16)]
    public void A_precision_that_the_device_lacks_is_refused(Precision precision) => Assert.That(
        () => Device.ChoosePrecision(Plain, precision),
        Throws.TypeOf<DeviceException>().With.Message.Contains("cuda:0").And.Message.Contains("tensor cores"));

    [TestCase(Precision.Fp32, 256, 256, 1, ConvolutionForm.GpuWinograd)]
    [TestCase(Precision.Fp32, 256, 12, 1, ConvolutionForm.RegisterTile)]
    [TestCase(Precision.Tf32, 256, 256, 1, ConvolutionForm.TensorTf32)]
    [TestCase(Precision.Fp16, 256, 256, 1, ConvolutionForm.TensorFp16)]
    [TestCase(Precision.Tf32, 256, 3, 1, ConvolutionForm.TensorTf32)]
    [TestCase(Precision.Tf32, 128, 128, 32, ConvolutionForm.Tile)]
    [TestCase(Precision.Tf32, 512, 512, 32, ConvolutionForm.TensorTf32)]
    [TestCase(Precision.Fp32, 64, 64, 64, ConvolutionForm.Depthwise)]
    public void A_gpu_chooses_the_form_by_precision_and_channels(Precision precision, int c, int k, int groups, ConvolutionForm expected)
    {
        var info = Plain with { HasTensorCores = true };
        using var device = Device.Simulate(info, static (_, _) => throw new InvalidOperationException("Nothing runs here."), precision);
        device.Limits = new DeviceLimits(GroupThreads: 1024, SharedBytes: 48 << 10, Multiprocessors: 100);
        var geometry = new ConvolutionGeometry(3, 3, c / groups, k, ConvolutionWindow.Square(padding: 1, groups: groups));
        Assert.That(ConvolutionForms.Choose(device, geometry), Is.EqualTo(expected));
    }
}
