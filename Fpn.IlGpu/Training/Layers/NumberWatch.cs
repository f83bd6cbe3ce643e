using Fpn.IlGpu.Tensors;

namespace Fpn.IlGpu.Training;

/// <summary>
/// Looks at every layer of a step, forward and back, for the first value that is no finite number. It reads all of them back to the
/// host: a run takes such a step only to say where one that went wrong did so, which it can, as the same step computes the same.
/// </summary>
internal static class NumberWatch
{
    /// <summary>Looks at what a layer computed, and of what.</summary>
    /// <param name="layer">Its name.</param>
    /// <param name="parameters">Its weights.</param>
    /// <param name="output">[N, H, W, C].</param>
    /// <exception cref="NotFiniteException">Something is no finite number.</exception>
    public static void Forward(string layer, IEnumerable<Parameter> parameters, Tensor output)
    {
        if (parameters.Any(p => !IsFinite(p.ToTensor().ToArray())))
            throw new NotFiniteException($"a weight of '{layer}'");
        if (!IsFinite(output.ToArray()))
            throw new NotFiniteException($"in the forward pass, in the output of '{layer}'");
    }

    /// <summary>Looks at what came back through a layer.</summary>
    /// <param name="layer">Its name.</param>
    /// <param name="parameters">Its weights, with their gradients.</param>
    /// <param name="inputGradient">[N, H, W, C], or null where nothing before it is trained.</param>
    /// <exception cref="NotFiniteException">Something is no finite number.</exception>
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

/// <summary>A value is no finite number; the message says which, as a part of a sentence.</summary>
internal sealed class NotFiniteException(string where) : Exception(where);
