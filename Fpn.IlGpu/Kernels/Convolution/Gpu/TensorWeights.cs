namespace Fpn.IlGpu.Kernels;

/// <summary>
/// Weights packed for <see cref="TensorTile"/>: step after step of 16 values of a tile's channels. Within a step, each lane's values are
/// together, as <c>mma.sync</c> expects them. Lane l = 4 · g + t has columns 4t … 4t + 3 of channel g of each eight channels. Two such
/// eights are stored side by side, so that a lane loads 16 bytes in one access.
/// </summary>
/// <remarks>
/// TF32: [steps, K / 16, 2 halves of the columns, 32 lanes, 2 eights, 2 columns]. FP16, with a pair of columns in the bits of a float:
/// [steps, K / 16, 32 lanes, 2 eights, 2 pairs].
/// </remarks>
internal static class TensorWeights
{
    private const int Sixteen = 16;
    private const int LargestHalf = 65504;

    /// <summary>Packs a block of output channels.</summary>
    /// <param name="half">Whether to round to FP16; otherwise to TF32.</param>
    /// <param name="positions">kh · kw.</param>
    /// <param name="inputC">C / groups.</param>
    /// <param name="torch">[up to blockC, C / groups, kh, kw], in PyTorch's order.</param>
    /// <param name="blockC">Output channels in a block.</param>
    /// <param name="packed">The block, all zeros on entry.</param>
    public static void Pack(bool half, int positions, int inputC, ReadOnlySpan<float> torch, int blockC, Span<float> packed)
    {
        var depth = positions * inputC;
        for (var k = 0; k < torch.Length / depth; k++)
        {
            var own = torch.Slice(k * depth, depth);
            for (var d = 0; d < depth; d++)
            {
                var value = own[d % inputC * positions + d / inputC];
                if (half)
                {
                    ref var pair = ref packed[PairAt(d, k, blockC)];
                    var bits = (int)BitConverter.HalfToUInt16Bits((Half)Math.Clamp(value, -LargestHalf, LargestHalf));
                    pair = BitConverter.Int32BitsToSingle(BitConverter.SingleToInt32Bits(pair) | bits << (d % 2 * 16));
                }
                else
                {
                    packed[ValueAt(d, k, blockC)] = RoundToTf32(value);
                }
            }
        }
    }

    /// <summary>Rounds to ten bits after the first, to the nearest value, and halfway cases away from zero, as cvt.rna does.</summary>
    public static float RoundToTf32(float value)
    {
        const int DroppedBits = 13;
        return BitConverter.Int32BitsToSingle(
            (BitConverter.SingleToInt32Bits(value) + (1 << (DroppedBits - 1))) & ~((1 << DroppedBits) - 1));
    }

    private static int ValueAt(int d, int k, int blockC)
    {
        var (step, column) = (d / Sixteen, d % Sixteen);
        var lane = k % 8 * 4 + column / 4;
        return step * Sixteen * blockC + ((k / Sixteen * 2 + column % 4 / 2) * 32 + lane) * 4 + k % Sixteen / 8 * 2 + column % 2;
    }

    private static int PairAt(int d, int k, int blockC)
    {
        var (step, column) = (d / Sixteen, d % Sixteen);
        var lane = k % 8 * 4 + column / 4;
        return step * (Sixteen / 2) * blockC + (k / Sixteen * 32 + lane) * 4 + k % Sixteen / 8 * 2 + column % 4 / 2;
    }
}
