using System.Globalization;
using Fpn.IlGpu.Verification.Reference;
using ILGPU;
using NUnit.Framework;

namespace Fpn.IlGpu.Course.Checks;

/// <summary>Checks the exercise of chapter 2.</summary>
public sealed class Chapter02Check
{
    [Test]
    public void Your_kernel_is_a_convolution() => Learner.Try(() => Check(Exercises.Chapter02.Kernel));

    public static void Check(
        Action<Index1D, GlobalView<float>, GlobalView<float>, GlobalView<float>, ConvolutionSize, GlobalView<float>> kernel)
    {
        Check(kernel, new ConvolutionSize(16, 24, 1, 1, 1));
        Check(kernel, new ConvolutionSize(5, 8, 3, 4, 1));
        Check(kernel, new ConvolutionSize(8, 11, 2, 3, 2));
    }

    /// <summary>The outputs of a 3×3 convolution by nested loops.</summary>
    internal static float[] Reference(ConvolutionSize size, float[] input, float[] weights, float[]? bias, int padding = 1, int? stride = null)
        => Conv2dReference.Run(
            input, weights, bias, null, new Shape4(1, size.H, size.W, size.C), (3, 3), size.K, (stride ?? size.Stride, stride ?? size.Stride),
            (padding, padding), (1, 1));

    /// <summary>Weights [3, 3, C, K] with each place of the window from another one.</summary>
    internal static float[] Rearranged(ConvolutionSize size, float[] weights, Func<int, int> placeFrom)
    {
        var block = size.C * size.K;
        return [.. weights.Select((_, i) => weights[placeFrom(i / block) * block + i % block])];
    }

    private static void Check(
        Action<Index1D, GlobalView<float>, GlobalView<float>, GlobalView<float>, ConvolutionSize, GlobalView<float>> kernel,
        ConvolutionSize size)
    {
        var axes = new Axes(("y", size.OutputH), ("x", size.OutputW), ("k", size.K));
        var (x, w, b) = (Values.Random(size.H * size.W * size.C, 1), Values.Random(9 * size.C * size.K, 2), Values.Random(size.K, 3));
        using var input = new GlobalArray<float>("input", x);
        using var weights = new GlobalArray<float>("weights", w);
        using var bias = new GlobalArray<float>("bias", b);
        using var output = new GlobalArray<float>("output", new float[axes.Length]);
        CourseDevice.Run(kernel, axes.Length, input.View, weights.View, bias.View, size, output.View);

        var verdict = new Verdict(2, $"a map of {size.H} × {size.W} × {size.C}, {size.K} output channels, stride {size.Stride}");
        verdict.Memory(output, axes, input, weights, bias);
        verdict.Equal(
            "output", axes, Reference(size, x, w, b), output.ToArray(), 1e-4f,
            new Suspect("The bias is missing.", Reference(size, x, w, null)),
            new Suspect(
                "The window is flipped: ky − 1 and kx − 1 are added to the position, not subtracted.",
                Reference(size, x, Rearranged(size, w, place => 8 - place), b)),
            new Suspect(
                "The window is transposed: ky belongs to y, kx to x.",
                Reference(size, x, Rearranged(size, w, place => place % 3 * 3 + place / 3), b)),
            new Suspect(
                "The weights are read as [3, 3, K, C]: in [3, 3, C, K] the output channel changes fastest.",
                Reference(size, x, [.. w.Select((_, i) => w[i / (size.C * size.K) * size.C * size.K + i % size.K * size.C + i / size.K % size.C])], b)),
            new Suspect(
                "Only channel 0 of the input is added up.",
                Reference(size, [.. x.Select((v, i) => i % size.C == 0 ? v : 0)], w, b)),
            new Suspect(
                "The window wraps around: a column outside the input is read from the row before or after. Guard x as well as y.",
                Wrapped(size, x, w, b)));
        TestContext.Out.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"{size.H} × {size.W} × {size.C} → {size.K}, stride {size.Stride}: {(double)input.Ledger.Reads / axes.Length:0.00} reads of the input an output"));
    }

    // The convolution without a guard for columns: the map as one long row.
    private static float[] Wrapped(ConvolutionSize size, float[] input, float[] weights, float[] bias)
    {
        var result = new float[size.OutputH * size.OutputW * size.K];
        for (var i = 0; i < result.Length; i++)
        {
            var (k, x, y) = (i % size.K, i / size.K % size.OutputW, i / size.K / size.OutputW);
            result[i] = bias[k];
            for (var place = 0; place < 9 * size.C; place++)
            {
                var iy = y * size.Stride - 1 + place / size.C / 3;
                var at = (iy * size.W + x * size.Stride - 1 + place / size.C % 3) * size.C + place % size.C;
                if (iy >= 0 && iy < size.H && at >= 0 && at < input.Length)
                    result[i] += input[at] * weights[place * size.K + k];
            }
        }
        return result;
    }
}
