using System.Numerics;
using Fpn.IlGpu.Kernels;

namespace Fpn.IlGpu.Tests.Kernels;

/// <summary>The CPU's activations, of one value and of a vector.</summary>
internal sealed class ActivationTests
{
    private const int Count = 16_000;

    // Below −80 the sigmoid leaves the range of normal floats.
    private static readonly float[] Inputs = [.. Enumerable.Range(0, Count).Select(i => -80 + i * 0.0125f)];

    [TestCase(1)]
    [TestCase(0)]
    public void Smooth_activations_are_as_exact_as_floats(int width)
    {
        foreach (var activation in (Activation[])[Activation.Silu, Activation.Sigmoid])
        {
            var actual = Run(activation, width);
            for (var i = 0; i < Count; i++)
            {
                var expected = ActivationReference.Of(Inputs[i], activation);
                Assert.That(actual[i], Is.EqualTo(expected).Within(1e-6 * Math.Abs(expected)), $"{activation} of {Inputs[i]}");
            }
        }
    }

    // Width 0 is the processor's.
    private static float[] Run(Activation activation, int width)
    {
        var output = new float[Count];
        for (var i = 0; i < Count; i += width == 0 ? Vector<float>.Count : width)
        {
            if (width == 1)
                output[i] = Activate.Value(Inputs[i], activation);
            else
                Activate.Lanes(new Vector<float>(Inputs, i), activation).CopyTo(output, i);
        }
        return output;
    }
}
