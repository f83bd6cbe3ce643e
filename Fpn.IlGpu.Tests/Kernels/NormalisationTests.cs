using Fpn.IlGpu.Kernels;
using Fpn.IlGpu.Tensors;
using Fpn.IlGpu.Tests.Reference;
using Fpn.IlGpu.Verification;
using Fpn.IlGpu.Weights;

namespace Fpn.IlGpu.Tests.Kernels;

/// <summary>Activations, global average pooling, channel scaling and group norm.</summary>
internal sealed class NormalisationTests(string deviceId) : DeviceTests(deviceId)
{
    private static readonly TestCaseData[] Shapes =
    [
        new(new Shape(1, 1, 1, 1)),
        new(new Shape(2, 3, 5, 3)),
        new(new Shape(1, 17, 31, 91)),
        // More pixels than one part holds, and a channel count that is no multiple of a vector's width.
        new(new Shape(3, 40, 33, 37)),
    ];

    [Test]
    public void Activations_agree_with_their_definitions([Values] Activation activation)
    {
        var values = CaseValues.Uniform(1003, 1, -8, 8);
        values[0] = 0;
        values[1] = -3;
        values[2] = 3;
        using var input = Tensor.Upload(Device, new Shape(1, 17, 59, 1), values);
        using var output = Tensor.Rent(Device, input.Shape);
        Activate.Run(Device, input, activation, output);
        Comparison.AssertClose(output.ToArray(), [.. values.Select(v => (float)ActivationReference.Of(v, activation))], 1e-6, 1e-5);
    }

    [TestCaseSource(nameof(Shapes))]
    public void Global_average_pooling_agrees_with_nested_loops(Shape shape)
    {
        var values = CaseValues.Uniform((int)shape.Length, 2, -1, 3);
        using var input = Tensor.Upload(Device, shape, values);
        using var output = Tensor.Rent(Device, new Shape(shape.N, 1, 1, shape.C));
        GlobalAveragePool.Run(Device, input, output);
        Comparison.AssertClose(output.ToArray(), GlobalAveragePoolReference.Run(values, Loops(shape)), 1e-5, 1e-5, [shape.N, shape.C]);
    }

    [TestCaseSource(nameof(Shapes))]
    public void Scaling_channels_agrees_with_nested_loops(Shape shape)
    {
        var values = CaseValues.Uniform((int)shape.Length, 3);
        var gates = CaseValues.Uniform(shape.N * shape.C, 4, 0, 1);
        using var input = Tensor.Upload(Device, shape, values);
        using var deviceGates = Tensor.Upload(Device, new Shape(shape.N, 1, 1, shape.C), gates);
        using var output = Tensor.Rent(Device, shape);
        ScaleChannels.Run(Device, input, deviceGates, output);
        float[] expected = [.. Loops(shape).Elements()
            .Select(e => values[Loops(shape).At(e.N, e.Y, e.X, e.C)] * gates[e.N * shape.C + e.C])];
        Comparison.AssertClose(output.ToArray(), expected, 0, 1e-6, [shape.N, shape.H, shape.W, shape.C]);
    }

    [TestCase(1, 1, 1, 4, 2, 0)]
    [TestCase(2, 5, 7, 6, 3, 0)]
    [TestCase(1, 31, 45, 64, 32, 0)]
    // A mean far from 0 with a small variance: sums of squares would have no digits left.
    [TestCase(2, 29, 41, 16, 4, 1000)]
    public void Group_norm_agrees_with_nested_loops(int n, int h, int w, int c, int groups, float mean)
    {
        var shape = new Shape(n, h, w, c);
        var values = CaseValues.Uniform((int)shape.Length, 5, mean - 1, mean + 1);
        var (gamma, beta) = (CaseValues.Uniform(c, 6), CaseValues.Uniform(c, 7));
        using var input = Tensor.Upload(Device, shape, values);
        using var deviceGamma = Device.Upload<float>(gamma);
        using var deviceBeta = Device.Upload<float>(beta);
        using var output = Tensor.Rent(Device, shape);
        foreach (var activation in new[] { Activation.None, Activation.Relu })
        {
            GroupNorm.Run(Device, input, deviceGamma.View, deviceBeta.View, groups, 1e-5f, activation, output);
            var expected = GroupNormReference.Run(values, Loops(shape), gamma, beta, groups, 1e-5, activation);
            Comparison.AssertClose(output.ToArray(), expected, mean == 0 ? 1e-5 : 2e-4, 1e-4, [n, h, w, c], $"{activation}");
        }
    }

    /// <summary>PyTorch's GroupNorm, with values recorded by Parity/fixtures/zoo/make_zoo_reference.py.</summary>
    [Test]
    public void Group_norm_agrees_with_pytorch()
    {
        using var fixture = Safetensors.Open(
            Path.Combine(TestContext.CurrentContext.TestDirectory, "Parity", "fixtures", "zoo", "group-norm.safetensors"));
        int[] extents = [.. fixture["input"].Shape];
        var (nchw, shape) = (fixture["input"].ToArray(), new Shape(extents[0], extents[2], extents[3], extents[1]));
        using var input = Tensor.Upload(Device, shape, Transposed(nchw));
        using var gamma = Device.Upload<float>(fixture["weight"].ToArray());
        using var beta = Device.Upload<float>(fixture["bias"].ToArray());
        using var output = Tensor.Rent(Device, shape);
        GroupNorm.Run(Device, input, gamma.View, beta.View, groups: 32, 1e-5f, Activation.None, output);
        Comparison.AssertClose(output.ToArray(), Transposed(fixture["output"].ToArray()), 1e-5, 1e-5, Loops(shape).ToArray());

        float[] Transposed(float[] values)
            => [.. Loops(shape).Elements().Select(e => values[((e.N * shape.C + e.C) * shape.H + e.Y) * shape.W + e.X])];
    }

    [Test]
    public void Sizes_that_do_not_fit_are_refused()
    {
        using var input = Tensor.Upload(Device, new Shape(1, 2, 2, 6), new float[24]);
        using var other = Tensor.Rent(Device, new Shape(1, 2, 2, 5));
        using var affine = Device.Upload<float>(new float[6]);
        Assert.Multiple(() =>
        {
            Assert.That(() => Activate.Run(Device, input, Activation.Relu, other), Throws.ArgumentException);
            Assert.That(() => GlobalAveragePool.Run(Device, input, other), Throws.ArgumentException);
            Assert.That(() => ScaleChannels.Run(Device, input, other, input), Throws.ArgumentException);
            Assert.That(
                () => GroupNorm.Run(Device, input, affine.View, affine.View, 4, 1e-5f, Activation.None, input),
                Throws.ArgumentException.With.Message.Contains("4 groups"));
        });
    }

    private static Shape4 Loops(Shape shape) => new(shape.N, shape.H, shape.W, shape.C);
}
