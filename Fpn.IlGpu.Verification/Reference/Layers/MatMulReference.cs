using Fpn.IlGpu.Kernels;

namespace Fpn.IlGpu.Verification.Reference;

/// <summary>out[m, k] = Σ over c of a[m, c] · b[c, k] + bias[k], then the activation.</summary>
internal static class MatMulReference
{
    /// <summary>Multiplies a [M, C] by b [C, K], giving [M, K].</summary>
    public static float[] Run(
        float[] a, float[] b, float[]? bias, int m, int c, int k, Activation activation = Activation.None)
    {
        var result = new float[m * k];
        for (var row = 0; row < m; row++)
        {
            for (var column = 0; column < k; column++)
            {
                double sum = bias?[column] ?? 0;
                for (var i = 0; i < c; i++)
                    sum += (double)a[row * c + i] * b[i * k + column];
                result[row * k + column] = (float)ActivationReference.Of(sum, activation);
            }
        }

        return result;
    }
}
