using Fpn.IlGpu.Kernels;
using Fpn.IlGpu.Tensors;
using Fpn.IlGpu.Verification.Reference;

namespace Fpn.IlGpu.Verification;

/// <summary>Activations, sigmoid, softmax, group norm.</summary>
internal static class PointwiseCases
{
    public static IEnumerable<VerifiedOperator> Operators => [
        new("activation", [.. Enum.GetValues<Activation>().Select(Activated)]),
        new("sigmoid", [Sigmoids(1), Sigmoids(1003)]),
        new("softmax", [Softmaxes(1, 1), Softmaxes(3, 5), Softmaxes(37, 91)]),
        new("group norm",
        [
            GroupNorms(new(1, 1, 1, 4), 2, 0),
            GroupNorms(new(2, 5, 7, 6), 3, 0),
            GroupNorms(new(1, 31, 45, 64), 32, 0),
            // A mean far from 0 with a small variance: a difference of sums of squares would lose all digits.
            GroupNorms(new(2, 29, 41, 16), 4, 1000),
        ]),
    ];

    private static VerificationCase Activated(Activation activation) => new($"[1, 17, 59, 1], {activation}", (device, findings)
    =>
    {
        float[] values = [0, -3, 3, 100, -100, .. CaseValues.Uniform(998, 1, -8, 8)];
        using var input = Tensor.Upload(device, new Shape(1, 17, 59, 1), values);
        using var output = Tensor.Upload(device, input.Shape, CaseValues.Unwritten(values.Length));
        Activate.Run(device, input, activation, output);
        float[] expected = [.. values.Select(v => (float)ActivationReference.Of(v, activation))];
        findings.Close(output.ToArray(), expected, 1e-6, 1e-5, [1, 17, 59, 1]);
    });

    private static VerificationCase Sigmoids(int count) => new($"{count} values", (device, findings)
    =>
    {
        var values = CaseValues.Uniform(count, 1, -100, 100);
        using var input = Tensor.Upload(device, new Shape(1, 1, 1, count), values);
        using var output = Tensor.Upload(device, input.Shape, CaseValues.Unwritten(count));
        Sigmoid.Run(device, input, output);
        findings.Close(output.ToArray(), SigmoidReference.Run(values), 1e-7, 1e-5, [count]);
    });

    private static VerificationCase Softmaxes(int rows, int columns) => new($"[{rows}, {columns}]", (device, findings)
    =>
    {
        var values = CaseValues.Uniform(rows * columns, 1, -90, 90);
        using var tensor = Tensor.Upload(device, new Shape(rows, 1, 1, columns), values);
        Softmax.Run(device, tensor, tensor);
        findings.Close(tensor.ToArray(), SoftmaxReference.Run(values, rows, columns), 1e-6, 1e-5, [rows, columns]);
    });

    private static VerificationCase GroupNorms(Shape4 shape, int groups, float mean)
        => new($"{new Shape(shape.N, shape.H, shape.W, shape.C)}, {groups} groups, mean {mean}", (device, findings)
        =>
        {
            var values = CaseValues.Uniform(shape.Count, 5, mean - 1, mean + 1);
            var (gamma, beta) = (CaseValues.Uniform(shape.C, 6), CaseValues.Uniform(shape.C, 7));
            using var input = Tensor.Upload(device, new Shape(shape.N, shape.H, shape.W, shape.C), values);
            using var deviceGamma = device.Upload<float>(gamma);
            using var deviceBeta = device.Upload<float>(beta);
            using var output = Tensor.Upload(device, input.Shape, CaseValues.Unwritten(shape.Count));
            GroupNorm.Run(device, input, deviceGamma.View, deviceBeta.View, groups, 1e-5f, Activation.Relu, output);
            var expected = GroupNormReference.Run(values, shape, gamma, beta, groups, 1e-5, Activation.Relu);
            findings.Close(output.ToArray(), expected, mean == 0 ? 1e-5 : 2e-4, 1e-4, shape.ToArray());
        });
}
