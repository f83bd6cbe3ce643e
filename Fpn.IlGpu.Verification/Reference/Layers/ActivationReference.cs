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
}
