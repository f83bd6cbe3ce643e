using Fpn.IlGpu.Tensors;

namespace Fpn.IlGpu.Networks;

/// <summary>
/// Checks every layer of a step, forward and backward, for the first value that is not finite. It copies all values to the host, so a
/// run does this only to locate the fault of a step that failed: it computes the same step again, which gives the same values.
/// </summary>
internal static class NumberWatch
{
    /// <summary>Checks a layer's weights and output.</summary>
    /// <param name="layer">The layer's name.</param>
    /// <param name="parameters">Its weights.</param>
    /// <param name="output">Its output, [N, H, W, C].</param>
    /// <exception cref="NotFiniteException">A value is not finite.</exception>
    public static void Forward(string layer, IEnumerable<Parameter> parameters, Tensor output)
    {
        if (parameters.Any(p => !IsFinite(p.ToTensor().ToArray())))
            throw new NotFiniteException($"a weight of '{layer}'");
        if (!IsFinite(output.ToArray()))
            throw new NotFiniteException($"in the forward pass, in the output of '{layer}'");
    }

    /// <summary>Checks the gradients of a layer's weights and input.</summary>
    /// <param name="layer">The layer's name.</param>
    /// <param name="parameters">Its weights, with their gradients.</param>
    /// <param name="inputGradient">The gradient of its input, [N, H, W, C], or null if nothing before the layer is trained.</param>
    /// <exception cref="NotFiniteException">A value is not finite.</exception>
    public static void Backward(string layer, IEnumerable<Parameter> parameters, Tensor? inputGradient)
    {
        if (parameters.Any(p => p.IsTrained && !IsFinite(p.GradientToArray()))
            || (inputGradient is not null && !IsFinite(inputGradient.ToArray())))
        {
            throw new NotFiniteException($"in the backward pass, in the gradients of '{layer}'");
        }
    }

    private static bool IsFinite(ReadOnlySpan<float> values) => FloatConversion.IndexOfNonFinite(values) < 0;
}

/// <summary>A value is not finite; the message names it in words that fit into a sentence.</summary>
internal sealed class NotFiniteException(string where) : Exception(where);
