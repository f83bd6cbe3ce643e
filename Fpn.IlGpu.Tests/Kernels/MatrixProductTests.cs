using Fpn.IlGpu.Kernels;
using Fpn.IlGpu.Runtime;
using Fpn.IlGpu.Tensors;
using Fpn.IlGpu.Tests.Reference;
using Fpn.IlGpu.Verification;

namespace Fpn.IlGpu.Tests.Kernels;

[TestFixtureSource(typeof(TestDevices), nameof(TestDevices.AllAndOpenCl))]
public sealed class MatrixProductTests(string deviceId)
{
    private Device Device => TestDevices.Open(deviceId);

    [TestCase(1, 1, 1)]
    [TestCase(1, 4704, 8)]
    [TestCase(7, 5, 3)]
    [TestCase(13, 513, 91)]
    [TestCase(150, 1025, 33)]
    [TestCase(301, 64, 364)]
    public void Agrees_with_nested_loops(int m, int c, int k)
    {
        var (a, b, bias) = (CaseValues.Uniform(m * c, 1), CaseValues.Uniform(c * k, 2), CaseValues.Uniform(k, 3));
        using var input = Tensor.Upload(Device, new Shape(m, 1, 1, c), a);
        using var rows = Device.Upload<int>([m]);
        var geometry = ConvolutionGeometry.Product(c, k);
        foreach (var form in TestDevices.Forms(Device, geometry))
        {
            using var packed = ConvolutionWeights.From(Device, b, bias, geometry, form);
            // The interpreter is slow.
            var activations = TestDevices.IsSlow(Device) && m * c * k > 20_000 ? [Activation.Relu] : Enum.GetValues<Activation>();
            foreach (var activation in activations)
            {
                var expected = MatMulReference.Run(
                    RoundedOperands.For(form, a), RoundedOperands.For(form, b), bias, m, c, k, activation);
                using var output = Tensor.Upload(Device, new Shape(m, 1, 1, k), Enumerable.Repeat(float.NaN, m * k).ToArray());
                MatrixProduct.Run(Device, input, packed, rows.View, activation, output);
                Comparison.AssertClose(
                    output.ToArray(), expected, 1e-5 * Math.Sqrt(c) * RoundedOperands.Coarseness(form), 1e-5, [m, k],
                    $"{form}, {activation}");
            }
        }
    }

    [TestCase(0)]
    [TestCase(1)]
    [TestCase(57)]
    [TestCase(200)]
    public void Live_rows_are_right_whatever_follows_them(int live)
    {
        const int M = 200, C = 40, K = 20;
        var (a, b, bias) = (CaseValues.Uniform(M * C, 1), CaseValues.Uniform(C * K, 2), CaseValues.Uniform(K, 3));
        using var input = Tensor.Upload(Device, new Shape(M, 1, 1, C), a);
        using var rows = Device.Upload<int>([live]);
        var geometry = ConvolutionGeometry.Product(C, K);
        foreach (var form in TestDevices.Forms(Device, geometry))
        {
            var expected = MatMulReference.Run(RoundedOperands.For(form, a), RoundedOperands.For(form, b), bias, M, C, K);
            using var packed = ConvolutionWeights.From(Device, b, bias, geometry, form);
            using var output = Tensor.Rent(Device, new Shape(M, 1, 1, K));
            MatrixProduct.Run(Device, input, packed, rows.View, Activation.None, output);
            Comparison.AssertClose(output.ToArray().AsSpan(0, live * K), expected.AsSpan(0, live * K), 1e-4, 1e-5);
        }
    }
}
