using Fpn.IlGpu.Runtime;
using ILGPU;

namespace Fpn.IlGpu.Kernels;

/// <summary>
/// The weights of a transposed convolution of kernel 2 and stride 2 as those of a 1×1 convolution with four times as many outputs,
/// one set for each of the four output pixels (dy, dx) of an input pixel:
/// <code>rows[(2 · dy + dx) · K + k, c] = torch[c, k, dy, dx]</code>
/// PyTorch's order is [C, K, 2, 2]; the rows are in the order of its other convolutions, [4 · K, C, 1, 1].
/// </summary>
internal static class TransposedWeights
{
    /// <summary>Reads rows on the host.</summary>
    /// <param name="torch">The weights, [C, K, 2, 2].</param>
    /// <param name="inputC">C.</param>
    /// <param name="outputC">K.</param>
    /// <param name="first">The first row.</param>
    /// <param name="rows">Receives the rows, [count, C].</param>
    public static void ReadRows(ReadOnlySpan<float> torch, int inputC, int outputC, int first, Span<float> rows)
    {
        for (var i = 0; i < rows.Length; i++)
            rows[i] = torch[At(first + i / inputC, i % inputC, outputC)];
    }

    /// <summary>Reorders weights for the 1×1 convolution.</summary>
    /// <param name="device">The device that holds both arrays.</param>
    /// <param name="torch">The weights, [C, K, 2, 2].</param>
    /// <param name="inputC">C.</param>
    /// <param name="outputC">K.</param>
    /// <param name="rows">Receives the rows, [4 · K, C].</param>
    public static void ToRows(Device device, ArrayView<float> torch, int inputC, int outputC, ArrayView<float> rows)
        => device.Launch(ToRowsKernel, (int)rows.Length, torch, inputC, outputC, rows);

    /// <summary>Reorders a gradient of the rows into one of PyTorch's weights.</summary>
    /// <param name="device">The device that holds both arrays.</param>
    /// <param name="rows">The gradient of the rows, [4 · K, C].</param>
    /// <param name="inputC">C.</param>
    /// <param name="outputC">K.</param>
    /// <param name="accumulate">Whether to add to the gradient instead of overwriting it.</param>
    /// <param name="torch">The gradient of the weights, [C, K, 2, 2].</param>
    public static void FromRows(
        Device device, ArrayView<float> rows, int inputC, int outputC, bool accumulate, ArrayView<float> torch)
        => device.Launch(FromRowsKernel, (int)rows.Length, rows, inputC, outputC, accumulate ? 1 : 0, torch);

    /// <summary>Copies the bias once for each of the four output pixels.</summary>
    /// <param name="device">The device that holds both arrays.</param>
    /// <param name="bias">The bias, [K].</param>
    /// <param name="repeated">Receives the copies, [4 · K].</param>
    public static void RepeatBias(Device device, ArrayView<float> bias, ArrayView<float> repeated)
        => device.Launch(RepeatBiasKernel, (int)repeated.Length, bias, repeated);

    /// <summary>One thread = one weight of a row.</summary>
    internal static void ToRowsKernel(Index1D index, ArrayView<float> torch, int inputC, int outputC, ArrayView<float> rows)
        => rows[index] = torch[At(index / inputC, index % inputC, outputC)];

    /// <summary>One thread = one weight of a row.</summary>
    internal static void FromRowsKernel(
        Index1D index, ArrayView<float> rows, int inputC, int outputC, int accumulate, ArrayView<float> torch)
    {
        var at = At(index / inputC, index % inputC, outputC);
        torch[at] = accumulate == 0 ? rows[index] : torch[at] + rows[index];
    }

    /// <summary>One thread = one copy of one bias.</summary>
    internal static void RepeatBiasKernel(Index1D index, ArrayView<float> bias, ArrayView<float> repeated)
        => repeated[index] = bias[(int)(index % bias.Length)];

    /// <summary>The index in [C, K, 2, 2] of the weight of a row and an input channel.</summary>
    private static int At(int row, int c, int outputC) => (c * outputC + row % outputC) * 4 + row / outputC;
}
