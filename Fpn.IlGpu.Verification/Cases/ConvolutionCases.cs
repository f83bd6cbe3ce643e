using Fpn.IlGpu.Kernels;
using Fpn.IlGpu.Tensors;
using Fpn.IlGpu.Verification.Reference;

namespace Fpn.IlGpu.Verification;

/// <summary>Every form of the convolution and of the matrix product, each as a separate operator.</summary>
internal static class ConvolutionCases
{
    /// <summary>An operator for each form; forms that a device doesn't have are without cases on it.</summary>
    public static IEnumerable<VerifiedOperator> Operators
    {
        get
        {
            // The forms share the nested loops' results.
            Problem[] problems = [.. Shapes.Select(s => new Problem(s.Input, s.K, s.Kernel, s.Window))];
            Product[] products = [.. Products()];
            foreach (var form in Enum.GetValues<ConvolutionForm>())
            {
                yield return new($"convolution ({form})", device =>
                    [.. problems.Where(p => ConvolutionForms.Ladder(device, p.Geometry).Contains(form)).Select(p => p.Case(form))]);
            }
            foreach (var form in Enum.GetValues<ConvolutionForm>())
            {
                yield return new($"matrix product ({form})", device =>
                    [.. products.Where(p => ConvolutionForms.Ladder(device, p.Geometry).Contains(form)).Select(p => p.Case(form))]);
            }
        }
    }

    /// <summary>
    /// Odd sizes, 1×1, rows shorter than a tile, channel counts that are no multiple of a vector's width, padding wider than the
    /// map, depths beyond one slice of a product, groups down to single channels.
    /// </summary>
    public static IEnumerable<(Shape4 Input, int K, (int Y, int X) Kernel, ConvolutionWindow Window)> Shapes
    {
        get
        {
            yield return (new Shape4(1, 1, 1, 1), 1, (1, 1), ConvolutionWindow.Square());
            yield return (new Shape4(1, 1, 1, 600), 91, (1, 1), ConvolutionWindow.Square());
            yield return (new Shape4(2, 5, 5, 1100), 33, (1, 1), ConvolutionWindow.Square());
            yield return (new Shape4(1, 9, 13, 5), 3, (1, 1), ConvolutionWindow.Square(stride: 2));
            yield return (new Shape4(1, 7, 9, 3), 5, (3, 3), ConvolutionWindow.Square(padding: 1));
            yield return (new Shape4(2, 17, 13, 8), 40, (3, 3), ConvolutionWindow.Square(stride: 2, padding: 1));
            yield return (new Shape4(1, 6, 31, 17), 33, (3, 3), ConvolutionWindow.Square(padding: 1));
            yield return (new Shape4(1, 23, 31, 3), 64, (7, 7), ConvolutionWindow.Square(stride: 2, padding: 3));
            yield return (new Shape4(1, 11, 27, 6), 12, (3, 3), ConvolutionWindow.Square(padding: 2, dilation: 2));
            yield return (new Shape4(1, 12, 29, 4), 7, (3, 5), new ConvolutionWindow((2, 1), (0, 2), (1, 3)));
            yield return (new Shape4(1, 4, 40, 9), 10, (1, 7), new ConvolutionWindow((1, 3), (0, 5), (1, 1)));
            yield return (new Shape4(1, 1, 1, 16), 5, (3, 3), ConvolutionWindow.Square(padding: 1));
            yield return (new Shape4(2, 9, 13, 16), 40, (3, 3), ConvolutionWindow.Square(padding: 1));
            yield return (new Shape4(1, 5, 3, 48), 91, (3, 3), ConvolutionWindow.Square());
            yield return (new Shape4(2, 15, 22, 32), 70, (3, 3), new ConvolutionWindow((1, 1), (2, 3), (1, 1)));
            yield return (new Shape4(2, 9, 14, 8), 16, (3, 3), ConvolutionWindow.Square(padding: 1, groups: 2));
            yield return (new Shape4(1, 9, 14, 12), 36, (1, 1), ConvolutionWindow.Square(groups: 4));
            yield return (new Shape4(2, 17, 29, 16), 16, (3, 3), ConvolutionWindow.Square(padding: 1, groups: 16));
            yield return (new Shape4(1, 8, 9, 91), 91, (5, 5), ConvolutionWindow.Square(stride: 2, padding: 2, groups: 91));
            yield return (new Shape4(1, 9, 8, 35), 35, (3, 3), ConvolutionWindow.Square(padding: 2, dilation: 2, groups: 35));
            yield return (new Shape4(1, 3, 5, 40), 40, (3, 3), ConvolutionWindow.Square(padding: 6, groups: 40));
        }
    }

    private static IEnumerable<Product> Products()
    {
        yield return new(1, 1, 1, 1);
        yield return new(1, 1, 4704, 8);
        yield return new(7, 7, 5, 3);
        yield return new(13, 13, 513, 91);
        yield return new(150, 57, 1025, 33);
        yield return new(40, 0, 40, 20);
        yield return new(101, 101, 64, 364);
    }

    private enum Added
    {
        Nothing,
        Residual,
        UpsampledResidual,
    }

    /// <summary>A convolution with the results of the nested loops.</summary>
    private sealed class Problem(Shape4 shape, int k, (int Y, int X) kernel, ConvolutionWindow window)
    {
        private static readonly (Added Added, Activation Activation)[] Epilogues =
        [
            (Added.Nothing, Activation.None), (Added.Residual, Activation.Relu), (Added.UpsampledResidual, Activation.HardSwish),
            (Added.Nothing, Activation.HardSigmoid), (Added.Residual, Activation.Silu), (Added.Nothing, Activation.Sigmoid),
        ];

        private readonly Shape4 output = Conv2dReference.OutputShape(shape, kernel, k, window.Stride, window.Padding, window.Dilation);

        // The nested loops get operands rounded like those of the tensor cores. Forms with the same rounding share the results.
        private readonly Dictionary<ConvolutionForm, float[][]> expected = [];

        public ConvolutionGeometry Geometry { get; } = new(kernel.Y, kernel.X, shape.C / window.ChannelGroups, k, window);

        private Shape4 Top => output with { H = (output.H + 1) / 2, W = (output.W + 1) / 2 };

        private float[] Input => CaseValues.Uniform(shape.Count, 1);

        private float[] Weights => CaseValues.Uniform(kernel.Y * kernel.X * Geometry.ChannelGroupInputC * k, 2);

        private float[] Bias => CaseValues.Uniform(k, 3);

        private float[] Residual => CaseValues.Uniform(output.Count, 4);

        private float[] TopValues => CaseValues.Uniform(Top.Count, 5);

        private string Name => $"[{shape.N}, {shape.H}, {shape.W}, {shape.C}] to {k} channels, {kernel.Y}×{kernel.X}, "
            + $"stride {window.Stride}, padding {window.Padding}, dilation {window.Dilation}, groups {window.ChannelGroups}";

        public VerificationCase Case(ConvolutionForm form) => new(Name, (device, findings)
        =>
        {
            var rounding = RoundedOperands.Of(form);
            if (!expected.TryGetValue(rounding, out var results))
                expected[rounding] = results = [.. Epilogues.Select(epilogue => Expected(epilogue, rounding))];
            var outputShape = new Shape(output.N, output.H, output.W, output.C);
            using var input = Tensor.Upload(device, new Shape(shape.N, shape.H, shape.W, shape.C), Input);
            using var residual = Tensor.Upload(device, outputShape, Residual);
            using var top = Tensor.Upload(device, new Shape(Top.N, Top.H, Top.W, Top.C), TopValues);
            using var weights = ConvolutionWeights.From(device, Weights, Bias, Geometry, form);
            foreach (var (i, (added, activation)) in Epilogues.Index())
            {
                using var actual = Tensor.Upload(device, outputShape, CaseValues.Unwritten(output.Count));
                var addend = added switch { Added.Nothing => null, Added.Residual => residual, _ => top };
                Convolution.Run(device, input, weights, addend, activation, actual, upsampleResidual: added == Added.UpsampledResidual);
                findings.Close(
                    actual.ToArray(), results[i], 1e-5 * Math.Sqrt(shape.C) * RoundedOperands.Coarseness(form), 1e-5, output.ToArray(),
                    $"plus {added}, {activation}");
            }
        });

        private float[] Expected((Added Added, Activation Activation) epilogue, ConvolutionForm rounding) => Conv2dReference.Run(
            RoundedOperands.For(rounding, Input), RoundedOperands.For(rounding, Weights), Bias,
            epilogue.Added switch
            {
                Added.Nothing => null,
                Added.Residual => Residual,
                _ => NearestUpsampleReference.Run(TopValues, Top, output.H, output.W),
            },
            shape, kernel, k, window.Stride, window.Padding, window.Dilation, window.ChannelGroups, epilogue.Activation);
    }

    /// <summary>A matrix product [rows, c] · [c, k], of which only the first <paramref name="live"/> rows are valid.</summary>
    private sealed class Product(int rows, int live, int c, int k)
    {
        private readonly Dictionary<ConvolutionForm, float[]> expected = [];

        public ConvolutionGeometry Geometry { get; } = ConvolutionGeometry.Product(c, k);

        public VerificationCase Case(ConvolutionForm form) => new($"[{rows}, {c}] · [{c}, {k}], {live} rows", (device, findings)
        =>
        {
            var (a, b, bias) = (CaseValues.Uniform(rows * c, 1), CaseValues.Uniform(c * k, 2), CaseValues.Uniform(k, 3));
            var rounding = RoundedOperands.Of(form);
            if (!expected.TryGetValue(rounding, out var result))
            {
                expected[rounding] = result = MatMulReference.Run(
                    RoundedOperands.For(rounding, a), RoundedOperands.For(rounding, b), bias, live, c, k, Activation.Relu);
            }
            using var input = Tensor.Upload(device, new Shape(rows, 1, 1, c), a);
            using var liveRows = device.Upload<int>([live]);
            using var weights = ConvolutionWeights.From(device, b, bias, Geometry, form);
            using var output = Tensor.Upload(device, new Shape(rows, 1, 1, k), CaseValues.Unwritten(rows * k));
            MatrixProduct.Run(device, input, weights, liveRows.View, Activation.Relu, output);
            // The contents of the other rows are undefined.
            findings.Close(
                output.ToArray().AsSpan(0, live * k), result, 1e-5 * Math.Sqrt(c) * RoundedOperands.Coarseness(form), 1e-5, [live, k]);
        });
    }
}
