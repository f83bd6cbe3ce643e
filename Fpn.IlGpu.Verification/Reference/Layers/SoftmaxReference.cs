namespace Fpn.IlGpu.Verification.Reference;

/// <summary>out[r, i] = exp(in[r, i] − max of row r) / Σ over j of exp(in[r, j] − max of row r).</summary>
internal static class SoftmaxReference
{
    /// <summary>Applies the softmax to each row of [rows, columns].</summary>
    public static float[] Run(float[] input, int rows, int columns)
    {
        var result = new float[rows * columns];
        for (var r = 0; r < rows; r++)
        {
            double largest = double.NegativeInfinity, sum = 0;
            for (var i = 0; i < columns; i++)
                largest = Math.Max(largest, input[r * columns + i]);
            for (var i = 0; i < columns; i++)
                sum += Math.Exp(input[r * columns + i] - largest);
            for (var i = 0; i < columns; i++)
                result[r * columns + i] = (float)(Math.Exp(input[r * columns + i] - largest) / sum);
        }
        return result;
    }
}
