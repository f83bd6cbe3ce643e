using Fpn.IlGpu.Kernels;

namespace Fpn.IlGpu.Verification.Reference;

/// <summary>
/// What a form of the convolution makes of its operands before it multiplies. With these, the nested loops have the very
/// products that tensor cores have, and a comparison need not allow for their rounding.
/// </summary>
internal static class RoundedOperands
{
    // Bits of a fraction, of both formats.
    private const int FractionBits = 10;

    /// <summary>The first form that rounds as this one does.</summary>
    public static ConvolutionForm Of(ConvolutionForm form)
        => form is ConvolutionForm.TensorTf32 or ConvolutionForm.TensorFp16 ? form : ConvolutionForm.Naive;

    /// <summary>Values as the form multiplies them.</summary>
    public static float[] For(ConvolutionForm form, float[] values) => form switch
    {
        ConvolutionForm.TensorTf32 => [.. values.Select(Tf32)],
        ConvolutionForm.TensorFp16 => [.. values.Select(v => (float)(Half)v)],
        _ => values,
    };

    /// <summary>
    /// How much coarser a form adds up than float32 rounded to the nearest: tensor cores drop what is beyond the last bit of the
    /// larger addend, so that the errors of many sums don't cancel.
    /// </summary>
    public static double Coarseness(ConvolutionForm form)
        => Of(form) == ConvolutionForm.Naive ? 1 : 10;

    /// <summary>To eleven bits; what lies halfway goes away from zero.</summary>
    private static float Tf32(float value)
    {
        if (value == 0)
            return 0;
        var unit = Math.ScaleB(1, Math.ILogB(value) - FractionBits);
        return (float)(Math.Round(value / unit, MidpointRounding.AwayFromZero) * unit);
    }
}
