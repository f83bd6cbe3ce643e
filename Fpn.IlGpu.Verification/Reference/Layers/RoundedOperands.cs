using Fpn.IlGpu.Kernels;

namespace Fpn.IlGpu.Verification.Reference;

/// <summary>
/// The rounding of operands by a form of the convolution. With rounded operands, the nested loops compute exactly the same products as
/// tensor cores, and a comparison need not allow for the rounding.
/// </summary>
internal static class RoundedOperands
{
    // Fraction bits of TF32 and FP16.
    private const int FractionBits = 10;

    /// <summary>The first form with the same rounding as the given one.</summary>
    public static ConvolutionForm Of(ConvolutionForm form)
        => form is ConvolutionForm.TensorTf32 or ConvolutionForm.TensorFp16 ? form : ConvolutionForm.Naive;

    /// <summary>Rounds values as the form does before it multiplies.</summary>
    public static float[] For(ConvolutionForm form, float[] values) => form switch
    {
        ConvolutionForm.TensorTf32 => [.. values.Select(Tf32)],
        ConvolutionForm.TensorFp16 => [.. values.Select(v => (float)(Half)v)],
        _ => values,
    };

    /// <summary>
    /// The factor by which a form's sums are coarser than float32 with rounding to nearest: tensor cores drop the bits below the last bit
    /// of the larger addend, so that the errors of many additions don't cancel.
    /// </summary>
    public static double Coarseness(ConvolutionForm form)
        => Of(form) == ConvolutionForm.Naive ? 1 : 10;

    /// <summary>Rounds to eleven significant bits, halves away from zero.</summary>
    private static float Tf32(float value)
    {
        if (value == 0)
            return 0;
        var unit = Math.ScaleB(1, Math.ILogB(value) - FractionBits);
        return (float)(Math.Round(value / unit, MidpointRounding.AwayFromZero) * unit);
    }
}
