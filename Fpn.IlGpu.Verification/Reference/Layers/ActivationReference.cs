using Fpn.IlGpu.Kernels;

namespace Fpn.IlGpu.Verification.Reference;

/// <summary>
/// The activations by definition: ReLU max(x, 0); hard sigmoid clamp(x / 6 + 1/2, 0, 1); hard-swish x · hardsigmoid(x); SiLU
/// x · sigmoid(x); sigmoid 1 / (1 + exp(−x)).
/// </summary>
internal static class ActivationReference
{
    public static double Of(double x, Activation activation) => activation switch
    {
        Activation.None => x,
        Activation.Relu => Math.Max(x, 0),
        Activation.HardSigmoid => Math.Clamp(x / 6 + 0.5, 0, 1),
        Activation.HardSwish => x * Math.Clamp(x / 6 + 0.5, 0, 1),
        Activation.Silu => x / (1 + Math.Exp(-x)),
        Activation.Sigmoid => 1 / (1 + Math.Exp(-x)),
        _ => throw new ArgumentOutOfRangeException(nameof(activation)),
    };

    /// <summary>The slope at x, with PyTorch's values at the kinks: that of the right side, but 0 for ReLU at 0 and hard sigmoid at ±3.</summary>
    public static double Slope(double x, Activation activation) => activation switch
    {
        Activation.None => 1,
        Activation.Relu => x > 0 ? 1 : 0,
        Activation.HardSigmoid => x is > -3 and < 3 ? 1.0 / 6 : 0,
        Activation.HardSwish => x < -3 ? 0 : x < 3 ? x / 3 + 0.5 : 1,
        Activation.Silu => Of(x, Activation.Sigmoid) * (1 + x * Of(-x, Activation.Sigmoid)),
        Activation.Sigmoid => Of(x, Activation.Sigmoid) * Of(-x, Activation.Sigmoid),
        _ => throw new ArgumentOutOfRangeException(nameof(activation)),
    };
}
