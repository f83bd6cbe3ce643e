using Fpn.IlGpu.Kernels;
using Fpn.IlGpu.Runtime;
using Fpn.IlGpu.Tensors;
using Fpn.IlGpu.Verification.Reference;
using ILGPU;

namespace Fpn.IlGpu.Verification;

/// <summary>
/// Training of convolutions: all gradients, that of the weights in each of its forms, and the packing of weights on the device.
/// </summary>
internal static class ConvolutionGradientCases
{
    private static readonly WeightGradientForm[] Forms = Enum.GetValues<WeightGradientForm>();

    public static IEnumerable<VerifiedOperator> Operators
    {
        get
        {
            // The operators share the results of the nested loops.
            Problem[] problems = [.. Problems()];
            yield return new("d input (convolution)", [.. problems.Select(p => p.InputCase)]);
            foreach (var form in Forms)
            {
                yield return new($"d weights ({form})", device =>
                    [.. problems
                        .Where(p => ConvolutionBackwardWeights.Ladder(device, p.Geometry).Contains(form))
                        .Select(p => p.WeightsCase(form))]);
            }
            yield return new("d bias", [.. problems.Select(p => p.BiasCase)]);
            yield return new("d input (fully connected)", [Linear(7, 3, 3, 5, 9), Linear(40, 1, 1, 40, 33), Linear(30, 7, 7, 3, 40)]);
            yield return new("packed weights", [.. problems.Select(p => p.PackingCase)]);
        }
    }

    // Strides that share a factor with the dilation or skip pixels, padding larger than the window, batches of several parts, channel
    // counts around a tile's, 3×3 windows suited to Winograd, channel groups down to single channels.
    private static IEnumerable<Problem> Problems()
    {
        yield return new(new(1, 1, 1, 1), 1, (1, 1), ConvolutionWindow.Square());
        yield return new(new(2, 17, 16, 24), 24, (1, 1), ConvolutionWindow.Square(stride: 2));
        yield return new(new(1, 7, 9, 3), 5, (3, 3), ConvolutionWindow.Square(padding: 1));
        yield return new(new(1, 23, 31, 3), 34, (7, 7), ConvolutionWindow.Square(stride: 2, padding: 3));
        yield return new(new(1, 13, 9, 4), 6, (3, 4), new((4, 3), (3, 5), (2, 2)));
        yield return new(new(2, 17, 13, 8), 40, (3, 3), ConvolutionWindow.Square(stride: 2, padding: 1));
        yield return new(new(2, 15, 22, 32), 40, (3, 3), ConvolutionWindow.Square(padding: 1));
        yield return new(new(2, 5, 1, 16), 16, (3, 3), new((1, 1), (3, 4), (1, 1)));
        yield return new(new(2, 33, 40, 13), 31, (1, 1), ConvolutionWindow.Square());
        yield return new(new(1, 12, 13, 4), 6, (3, 3), new((3, 2), (3, 1), (2, 4), 2));
        yield return new(new(2, 9, 14, 16), 32, (3, 3), ConvolutionWindow.Square(padding: 1, groups: 4));
        yield return new(new(2, 11, 12, 32), 32, (3, 3), ConvolutionWindow.Square(stride: 2, padding: 1, groups: 4));
        yield return new(new(1, 9, 10, 20), 30, (5, 5), ConvolutionWindow.Square(padding: 2, groups: 5));
        yield return new(new(2, 17, 29, 19), 19, (3, 3), ConvolutionWindow.Square(stride: 2, padding: 1, groups: 19));
        yield return new(new(2, 9, 13, 40), 40, (3, 3), ConvolutionWindow.Square(padding: 1, groups: 40));
        yield return new(new(1, 11, 14, 35), 35, (5, 5), ConvolutionWindow.Square(padding: 2, groups: 35));
        yield return new(new(2, 7, 3, 24), 24, (5, 5), ConvolutionWindow.Square(stride: 2, padding: 2, groups: 24));
        yield return new(new(1, 12, 11, 9), 9, (3, 4), new((1, 2), (3, 5), (2, 3), 9));
    }

    private static VerificationCase Linear(int rows, int h, int w, int c, int k)
        => new($"[{rows}, {h}, {w}, {c}] to {k}", (device, findings)
        =>
        {
            var geometry = new ConvolutionGeometry(h, w, c, k, ConvolutionWindow.Square());
            var problem = new Problem(new(rows, h, w, c), k, (h, w), geometry.Window);
            using var parameter = device.Upload<float>(problem.Weights);
            using var outputGradient = Tensor.Upload(device, new Shape(rows, 1, 1, k), problem.OutputGradient);
            using var gradient = Tensor.Upload(device, new Shape(rows, h, w, c), CaseValues.Unwritten(rows * h * w * c));
            using var backward = MatrixProductBackward.Reserve(device, geometry);
            backward.Pack(parameter.View);
            backward.Run(outputGradient, gradient);
            Close(findings, gradient.ToArray(), problem.Expected.Input, false, [rows, h, w, c]);
        });

    private static void Close(Findings findings, float[] actual, float[] expected, bool isAdded, ReadOnlySpan<int> shape, string what = "")
    {
        // Gradients are added to values of 1.
        var all = isAdded ? [.. expected.Select(value => value + 1)] : expected;
        findings.Close(actual, all, 1e-5 * Math.Max(1, all.Max(MathF.Abs)), 1e-5, shape, isAdded ? "added" : what);
    }

    private static float[] Before(long count, bool isAdded)
    {
        var values = CaseValues.Unwritten(count);
        if (isAdded)
            Array.Fill(values, 1);
        return values;
    }

    /// <summary>A convolution with the gradients of the nested loops.</summary>
    private sealed class Problem(Shape4 shape, int k, (int Y, int X) kernel, ConvolutionWindow window)
    {
        private Conv2dGradientReference? expected;

        public ConvolutionGeometry Geometry { get; } = new(kernel.Y, kernel.X, shape.C / window.ChannelGroups, k, window);

        public float[] Weights => CaseValues.Uniform(k * Geometry.ChannelGroupInputC * kernel.Y * kernel.X, 2);

        public float[] OutputGradient => CaseValues.Uniform((int)OutputShape.Length, 4);

        public Conv2dGradientReference Expected
            => expected ??= Conv2dGradientReference.Run(Geometry, Input, Weights, OutputGradient, InputShape);

        public VerificationCase InputCase => new(Name, (device, findings)
        =>
        {
            using var parameter = device.Upload<float>(Weights);
            using var outputGradient = Tensor.Upload(device, OutputShape, OutputGradient);
            using var backward = ConvolutionBackwardData.Reserve(device, Geometry);
            backward.Pack(parameter.View);
            foreach (var isAdded in (bool[])[false, true])
            {
                using var gradient = Tensor.Upload(device, InputShape, Before(shape.Count, isAdded));
                backward.Run(outputGradient, gradient, isAdded);
                Close(findings, gradient.ToArray(), Expected.Input, isAdded, shape.ToArray());
            }
            using var naive = Tensor.Upload(device, InputShape, Before(shape.Count, false));
            ConvolutionBackwardData.RunNaive(device, Geometry, outputGradient, parameter.View, naive);
            Close(findings, naive.ToArray(), Expected.Input, false, shape.ToArray(), "naive");
        });

        public VerificationCase BiasCase => new(Name, (device, findings)
        =>
        {
            using var outputGradient = Tensor.Upload(device, OutputShape, OutputGradient);
            foreach (var isAdded in (bool[])[false, true])
            {
                using var gradient = device.Upload<float>(Before(k, isAdded));
                ConvolutionBackwardBias.Run(device, outputGradient, gradient.View, isAdded);
                Close(findings, gradient.Download(), Expected.Bias, isAdded, [k]);
            }
        });

        /// <summary>Forward weights must be the same whether they are packed on the device or on the host.</summary>
        public VerificationCase PackingCase => new(Name, (device, findings)
        =>
        {
            using var parameter = device.Upload<float>(Weights);
            using var others = device.Upload<float>(Before(Weights.Length, false));
            foreach (var form in ConvolutionForms.Ladder(device, Geometry))
            {
                // Weights for tensor cores are rounded and not used in training.
                if (form is ConvolutionForm.TensorTf32 or ConvolutionForm.TensorFp16)
                    continue;
                using var host = ConvolutionWeights.From(
                    device, Conv2dGradientReference.ToForward(Geometry, Weights), new float[k], Geometry, form);
                using var packed = ConvolutionWeights.Reserve(device, Geometry, WeightLayout.Forward(Geometry), null, form);
                // Pack other weights first, so that elements the second pass does not write are detected.
                packed.Pack(device, others.View);
                packed.Pack(device, parameter.View);
                var values = Download(device, host.Values);
                // Winograd weights are transformed in float32 on the device, and in double on the host.
                findings.Close(
                    Download(device, packed.Values), values, ConvolutionForms.IsWinograd(form) ? 1e-6 : 0, 0, [values.Length], $"{form}");
            }
        });

        private string Name => $"[{shape.N}, {shape.H}, {shape.W}, {shape.C}] to {k} channels, {kernel.Y}×{kernel.X}, "
            + $"stride {window.Stride}, padding {window.Padding}, dilation {window.Dilation}, groups {window.ChannelGroups}";

        private Shape InputShape => new(shape.N, shape.H, shape.W, shape.C);

        private Shape OutputShape => window.OutputShape(InputShape, kernel.Y, kernel.X, k);

        private float[] Input => CaseValues.Uniform(shape.Count, 1);

        public VerificationCase WeightsCase(WeightGradientForm form) => new(Name, (device, findings)
        =>
        {
            using var input = Tensor.Upload(device, InputShape, Input);
            using var outputGradient = Tensor.Upload(device, OutputShape, OutputGradient);
            foreach (var isAdded in (bool[])[false, true])
            {
                using var gradient = device.Upload<float>(Before(Weights.Length, isAdded));
                ConvolutionBackwardWeights.Run(device, Geometry, input, outputGradient, gradient.View, isAdded, form);
                Close(findings, gradient.Download(), Expected.Weights, isAdded, [k, Geometry.ChannelGroupInputC, kernel.Y, kernel.X]);
            }
        });

        private static float[] Download(Device device, ArrayView<float> view)
        {
            using var anyArray = device.Rent<float>(1);
            return anyArray.Download(view);
        }
    }
}
