using Fpn.IlGpu.Verification.Reference;
using ILGPU;
using NUnit.Framework;

namespace Fpn.IlGpu.Course.Checks;

/// <summary>
/// Checks the exercises of chapter 13 by central differences: each input is moved a little up and down, and the change of the loss is
/// its gradient. That needs the forward pass alone.
/// </summary>
public sealed class Chapter13Check
{
    private const float Step = 0.25f;

    [Test]
    public void Your_gradient_of_a_convolution_is_that_of_central_differences() => Learner.Try(() => Check(Exercises.Chapter13.Convolution));

    [Test]
    public void Your_gradient_of_upsampling_is_that_of_central_differences() => Learner.Try(() => Check(Exercises.Chapter13.Upsampling));

    public static void Check(Action<Index1D, GlobalView<float>, GlobalView<float>, ConvolutionSize, GlobalView<float>> kernel)
    {
        var size = new ConvolutionSize(4, 6, 2, 3, 1);
        var axes = new Axes(("y", size.H), ("x", size.W), ("c", size.C));
        var (x, w, d) = (Values.Random(axes.Length, 1), Values.Random(9 * size.C * size.K, 2), Values.Random(size.H * size.W * size.K, 3));
        using var outputGradient = new GlobalArray<float>("outputGradient", d);
        using var weights = new GlobalArray<float>("weights", w);
        using var inputGradient = new GlobalArray<float>("inputGradient", new float[axes.Length]);
        CourseDevice.Run(kernel, axes.Length, outputGradient.View, weights.View, size, inputGradient.View);

        var verdict = new Verdict(13, $"the gradient of a map of {size.H} × {size.W} × {size.C}, {size.K} output channels");
        verdict.Memory(inputGradient, axes, outputGradient, weights);
        float[] Gradient(float[] window) => CentralDifferences(x, input => Dot(Chapter02Check.Reference(size, input, window, null), d));
        verdict.Equal(
            "inputGradient", axes, Gradient(w), inputGradient.ToArray(), 1e-3f,
            new Suspect(
                "The window is not flipped: the output that has this input at place (ky, kx) lies at (y + 1 − ky, x + 1 − kx).",
                Gradient(Chapter02Check.Rearranged(size, w, p => 8 - p))),
            new Suspect("The window is transposed: ky belongs to y, kx to x.", Gradient(Chapter02Check.Rearranged(size, w, p => p % 3 * 3 + p / 3))),
            new Suspect(
                "The weights are read as [3, 3, K, C]: in [3, 3, C, K] the output channel changes fastest.",
                Gradient([.. w.Select((_, i) => w[i / (size.C * size.K) * size.C * size.K + i % size.K * size.C + i / size.K % size.C])])),
            new Suspect(
                "Only output channel 0 passes its gradient back.",
                CentralDifferences(x, input => Dot(Chapter02Check.Reference(size, input, w, null), [.. d.Select((v, i) => i % size.K == 0 ? v : 0)]))),
            new Suspect(
                "Only the output at the same place passes its gradient back; nine outputs read each input.",
                Gradient([.. w.Select((v, i) => i / (size.C * size.K) == 4 ? v : 0)])));
    }

    public static void Check(Action<Index1D, GlobalView<float>, MergeSize, GlobalView<float>> kernel)
    {
        foreach (var size in (MergeSize[])[new(6, 8, 3, 4, 2), new(5, 7, 3, 4, 2), new(10, 7, 4, 3, 2)])
            Check(kernel, size);
    }

    private static void Check(Action<Index1D, GlobalView<float>, MergeSize, GlobalView<float>> kernel, MergeSize size)
    {
        var axes = new Axes(("ty", size.TopH), ("tx", size.TopW), ("c", size.C));
        var (top, d) = (Values.Random(axes.Length, 1), Values.Random(size.H * size.W * size.C, 2));
        using var outputGradient = new GlobalArray<float>("outputGradient", d);
        using var topGradient = new GlobalArray<float>("topGradient", new float[axes.Length]);
        CourseDevice.Run(kernel, axes.Length, outputGradient.View, size, topGradient.View);

        var verdict = new Verdict(13, $"the gradient of a map of {size.TopH} × {size.TopW} above one of {size.H} × {size.W}");
        verdict.Memory(topGradient, axes, outputGradient);
        var shape = new Shape4(1, size.TopH, size.TopW, size.C);
        var right = CentralDifferences(top, map => Dot(NearestUpsampleReference.Run(map, shape, size.H, size.W), d));
        float[] Readers(Func<int, int, bool> rows, Func<int, int, bool> columns) => Values.Of(axes, i => Enumerable.Range(0, size.H * size.W)
            .Where(p => rows(p / size.W, axes.At(i, 0)) && columns(p % size.W, axes.At(i, 1))).Sum(p => d[p * size.C + axes.At(i, 2)]));
        verdict.Equal(
            "topGradient", axes, right, topGradient.ToArray(), 1e-3f,
            new Suspect(
                "Each coarse pixel gets the gradient of one fine pixel; all that read it pass theirs back.",
                Readers((y, ty) => y == (ty * size.H + size.TopH - 1) / size.TopH, (x, tx) => x == (tx * size.W + size.TopW - 1) / size.TopW)),
            new Suspect(
                "Each coarse pixel gets the mean of its readers' gradients; it should be their sum.",
                Values.Of(axes, i => right[i] / Enumerable.Range(0, size.H).Count(y => y * size.TopH / size.H == axes.At(i, 0))
                    / Enumerable.Range(0, size.W).Count(x => x * size.TopW / size.W == axes.At(i, 1)))),
            new Suspect(
                "Each coarse pixel has 2 × 2 readers here. There may be one or three along an axis where H is not twice TopH.",
                Readers((y, ty) => y / 2 == ty, (x, tx) => x / 2 == tx)),
            new Suspect(
                "The first reader is rounded down, and should be rounded up: ⌊y · TopH / H⌋ = ty begins at y = ⌈ty · H / TopH⌉.",
                Readers(
                    (y, ty) => y >= ty * size.H / size.TopH && y < (ty + 1) * size.H / size.TopH,
                    (x, tx) => x >= tx * size.W / size.TopW && x < (tx + 1) * size.W / size.TopW)));
    }

    // The loss is linear in the inputs, so a large step loses nothing and rounds little.
    private static float[] CentralDifferences(float[] inputs, Func<float[], double> loss)
        => [.. inputs.Select((value, i) =>
        {
            double With(float moved)
            {
                float[] all = [.. inputs];
                all[i] = moved;
                return loss(all);
            }

            return (float)((With(value + Step) - With(value - Step)) / (2 * Step));
        })];

    // The loss: every output times the gradient that it is said to have.
    private static double Dot(float[] outputs, float[] gradients) => outputs.Zip(gradients, (a, b) => (double)a * b).Sum();
}
