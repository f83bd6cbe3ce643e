using Fpn.IlGpu.Kernels;
using Fpn.IlGpu.Tensors;
using Fpn.IlGpu.Verification.Reference;

namespace Fpn.IlGpu.Verification;

/// <summary>Preprocessing, activations, sigmoid, softmax, group norm.</summary>
internal static class PointwiseCases
{
    public static IEnumerable<VerifiedOperator> Operators =>
    [
        new("preprocess",
        [
            Preprocessing(1, 1, 32, 32, bgr: false),
            Preprocessing(50, 1, 1, 13, bgr: false),
            Preprocessing(31, 17, 64, 35, bgr: false),
            Preprocessing(40, 60, 20, 30, bgr: true),
            Preprocessing(7, 5, 32, 23, bgr: true),
        ]),
        new("activation", [.. Enum.GetValues<Activation>().Select(Activated)]),
        new("sigmoid", [Sigmoids(1), Sigmoids(1003)]),
        new("softmax", [Softmaxes(1, 1), Softmaxes(3, 5), Softmaxes(37, 91)]),
        new("group norm",
        [
            GroupNorms(new(1, 1, 1, 4), 2, 0),
            GroupNorms(new(2, 5, 7, 6), 3, 0),
            GroupNorms(new(1, 31, 45, 64), 32, 0),
            // A mean far from 0 beside a small variance: sums of squares would have no digits left.
            GroupNorms(new(2, 29, 41, 16), 4, 1000),
        ]),
    ];

    private static VerificationCase Preprocessing(int h, int w, int resizedH, int resizedW, bool bgr)
        => new($"{h}×{w} px to {resizedH}×{resizedW}{(bgr ? ", BGR" : "")}", (device, findings) =>
        {
            float[] mean = [0.485f, 0.456f, 0.406f], std = [0.229f, 0.224f, 0.225f];
            var bytes = new byte[h * w * 3];
            new Random(1).NextBytes(bytes);
            var padded = new Shape4(2, 64, 64, 3);
            using var pixels = device.Upload<byte>(bytes);
            // The first picture of the batch is not its own.
            using var output = Tensor.Upload(device, new Shape(padded.N, padded.H, padded.W, padded.C), new float[padded.Count]);
            var scaling = new ChannelScaling(
                1f / 255 / std[0], 1f / 255 / std[1], 1f / 255 / std[2], -mean[0] / std[0], -mean[1] / std[1], -mean[2] / std[2],
                bgr ? 1 : 0);
            Preprocess.Run(device, pixels.View, new ResizedPicture(h, w, resizedH, resizedW), scaling, n: 1, output);

            var normalised = NormaliseReference.Run([.. bytes.Select(b => (float)b)], 1f / 255, mean, std, bgr);
            var resized = BilinearResizeReference.Run(normalised, new Shape4(1, h, w, 3), resizedH, resizedW);
            var (small, expected) = (new Shape4(1, resizedH, resizedW, 3), new float[padded.Count]);
            foreach (var (_, y, x, c) in small.Elements())
                expected[padded.At(1, y, x, c)] = resized[small.At(0, y, x, c)];
            findings.Close(output.ToArray(), expected, 2e-5, 1e-5, padded.ToArray());
        });

    private static VerificationCase Activated(Activation activation) => new($"[1, 17, 59, 1], {activation}", (device, findings) =>
    {
        float[] values = [0, -3, 3, .. CaseValues.Uniform(1000, 1, -8, 8)];
        using var input = Tensor.Upload(device, new Shape(1, 17, 59, 1), values);
        using var output = Tensor.Upload(device, input.Shape, CaseValues.Unwritten(values.Length));
        Activate.Run(device, input, activation, output);
        float[] expected = [.. values.Select(v => (float)ActivationReference.Of(v, activation))];
        findings.Close(output.ToArray(), expected, 1e-6, 1e-5, [1, 17, 59, 1]);
    });

    private static VerificationCase Sigmoids(int count) => new($"{count} values", (device, findings) =>
    {
        var values = CaseValues.Uniform(count, 1, -100, 100);
        using var input = Tensor.Upload(device, new Shape(1, 1, 1, count), values);
        using var output = Tensor.Upload(device, input.Shape, CaseValues.Unwritten(count));
        Sigmoid.Run(device, input, output);
        findings.Close(output.ToArray(), SigmoidReference.Run(values), 1e-7, 1e-5, [count]);
    });

    private static VerificationCase Softmaxes(int rows, int columns) => new($"[{rows}, {columns}]", (device, findings) =>
    {
        var values = CaseValues.Uniform(rows * columns, 1, -90, 90);
        using var tensor = Tensor.Upload(device, new Shape(rows, 1, 1, columns), values);
        Softmax.Run(device, tensor, tensor);
        findings.Close(tensor.ToArray(), SoftmaxReference.Run(values, rows, columns), 1e-6, 1e-5, [rows, columns]);
    });

    private static VerificationCase GroupNorms(Shape4 shape, int groups, float mean)
        => new($"{new Shape(shape.N, shape.H, shape.W, shape.C)}, {groups} groups, mean {mean}", (device, findings) =>
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
