using Fpn.IlGpu.Runtime;
using ILGPU;
using ILGPU.Runtime.Cuda;

namespace Fpn.IlGpu.Kernels;

/// <summary>
/// The convolution on the tensor cores of NVIDIA GPUs (compute capability 8.0 and up), which multiply small matrices of
/// rounded values and add them up in float32. A warp computes 64 pixels × 32 channels, a group 128 × 128 or, for few
/// channels, 128 × 64. What it gains over <see cref="RegisterTile"/>: one instruction of a warp does 1024 (TF32) or 2048
/// (FP16) multiply-accumulates instead of 32; and values come into shared memory by asynchronous copies, three steps deep,
/// which take no registers and wait for nobody.
/// </summary>
/// <remarks>
/// Rounding to TF32 or FP16 leaves 11 bits of each value, so that an output is off by up to 2^-10 · Σ |x · w|. FP16 also
/// has the smaller range: values beyond ±65504 overflow, and below 6·10^-5 keep fewer bits. In memory activations are float32
/// for both; weights are rounded when they are packed.
/// <para>
/// Which of the 16 values of a step is which column of the product is free, as long as pixels and weights agree. Here a lane's
/// columns are four neighbours (<see cref="TensorWeights"/>), so that it loads them at once, and a warp's loads of eight
/// rows meet every bank of shared memory once, without padding and without <c>ldmatrix</c>.
/// </para>
/// </remarks>
internal static class TensorTile
{
    private const int TilePixels = 128;
    private const int WideChannels = 128;
    private const int NarrowChannels = 64;
    private const int StepDepth = 16;
    private const int Stages = 3;
    private const int WarpPixels = 64;
    private const int WarpChannels = 32;
    private const int RowBytes = StepDepth * sizeof(float);
    private const int PixelBytes = TilePixels * RowBytes;

    // When all is summed up, each warp has a part of shared memory for 16 rows of its sums. The eight more values of a row put
    // the rows that are written at once on different banks.
    private const int SumPitch = WarpChannels + 8;
    private const int SumBytes = 16 * SumPitch * sizeof(float);

    // All that a group may have without asking for more.
    private const int SharedBytes = Stages * (PixelBytes + WideChannels * RowBytes);

    /// <summary>A group: a warp for each 64 × 32 outputs.</summary>
    public static GroupShape Shape(int channelGroupOutputC)
    {
        var channels = channelGroupOutputC > NarrowChannels ? WideChannels : NarrowChannels;
        var threads = TilePixels / WarpPixels * channels / WarpChannels * 32;
        return new GroupShape(TilePixels, channels, StepDepth, threads, SharedBytes, GroupsPerMultiprocessor: 512 / threads);
    }

    /// <summary>One warp = 64 pixels × 32 channels, in TF32.</summary>
    [GroupedKernel]
    internal static void Tf32Kernel(
        AddressedView input, AddressedView weights, ArrayView<float> bias, ArrayView<float> residual, ArrayView<int> liveRows,
        ConvolutionSizes sizes, GroupTiling tiling, ArrayView<float> output)
        => Run(input, weights, bias, residual, liveRows, sizes, tiling, 0, output);

    /// <summary>One warp = 64 pixels × 32 channels, in FP16.</summary>
    [GroupedKernel]
    internal static void Fp16Kernel(
        AddressedView input, AddressedView weights, ArrayView<float> bias, ArrayView<float> residual, ArrayView<int> liveRows,
        ConvolutionSizes sizes, GroupTiling tiling, ArrayView<float> output)
        => Run(input, weights, bias, residual, liveRows, sizes, tiling, 1, output);

    private static void Run(
        AddressedView input, AddressedView weights, ArrayView<float> bias, ArrayView<float> residual, ArrayView<int> liveRows,
        ConvolutionSizes sizes, GroupTiling tiling, int half, ArrayView<float> output)
    {
        CudaAsm.Emit(TensorTilePtx.Declare);
        // The only array, and so the one that the PTX calls __shared_alloca0.
        var shared = SharedMemory.Allocate<Float4>(SharedBytes / 16);
        var at = GroupPosition.OfThisGroup(sizes, tiling);
        // The whole group leaves before its first barrier, or none of it.
        if (tiling.HasLiveRows != 0 && at.FirstPixel >= liveRows[0])
            return;
        CudaAsm.Emit(TensorTilePtx.Clear);

        // To load: a quad of a row, and of the rows below at a distance.
        var thread = Group.IdxX;
        var rows = Group.DimX / 4;
        var reader0 = WindowReader.Of(at.FirstPixel + thread / 4, tiling.Pixels, at.ChannelGroup, sizes);
        var reader1 = WindowReader.Of(at.FirstPixel + thread / 4 + rows, tiling.Pixels, at.ChannelGroup, sizes);
        var reader2 = WindowReader.Of(at.FirstPixel + thread / 4 + 2 * rows, tiling.Pixels, at.ChannelGroup, sizes);
        var reader3 = WindowReader.Of(at.FirstPixel + thread / 4 + 3 * rows, tiling.Pixels, at.ChannelGroup, sizes);
        var weightBytes = tiling.TileChannels * RowBytes >> half;
        var firstStep = at.Split * tiling.SplitSteps;
        var steps = IntrinsicMath.Min(tiling.SplitSteps, (tiling.Depth + StepDepth - 1) / StepDepth - firstStep);
        var place = WindowPlace.Of(firstStep * StepDepth + thread % 4 * 4, sizes);
        var weight = weights.Address + ((long)tiling.WeightsAt(at) * sizeof(float) >> half) + (long)firstStep * weightBytes;

        // To compute: the lane's first row of pixels, and its first weights.
        var warp = thread / 32;
        var lane = thread % 32;
        var warpsAcross = tiling.TileChannels / WarpChannels;
        var pixelsAt = warp / warpsAcross * (WarpPixels * RowBytes) + lane / 4 * RowBytes + lane % 4 * 16;
        var weightsAt = PixelBytes + warp % warpsAcross * (WarpChannels * RowBytes >> half) + lane * 16;

        // Two steps ahead, and a third place that the step before has just left.
        var stageBytes = PixelBytes + weightBytes;
        var writeAt = 0;
        var readAt = 0;
        for (var step = 1 - Stages; step < steps; step++)
        {
            if (step >= 0)
            {
                CudaAsm.Emit(TensorTilePtx.WaitForAllButOne);
                Group.Barrier();
            }
            if (step + Stages - 1 < steps)
            {
                var to = writeAt + thread / 4 * RowBytes + thread % 4 * 16;
                CopyRow(input, reader0, place, sizes, tiling.InputByFours, to);
                CopyRow(input, reader1, place, sizes, tiling.InputByFours, to + rows * RowBytes);
                if (rows < TilePixels / 2)
                {
                    CopyRow(input, reader2, place, sizes, tiling.InputByFours, to + 2 * rows * RowBytes);
                    CopyRow(input, reader3, place, sizes, tiling.InputByFours, to + 3 * rows * RowBytes);
                }
                for (var i = thread * 16; i < weightBytes; i += Group.DimX * 16)
                    CudaAsm.Emit(TensorTilePtx.CopyFour, writeAt + PixelBytes + i, weight + i, 16);
                place = place.Skip(StepDepth, sizes);
                weight += weightBytes;
            }
            CudaAsm.Emit(TensorTilePtx.Commit);
            writeAt = writeAt == (Stages - 1) * stageBytes ? 0 : writeAt + stageBytes;
            if (step < 0)
                continue;
            if (half == 0)
                MultiplyTf32(readAt + pixelsAt, readAt + weightsAt);
            else
                MultiplyFp16(readAt + pixelsAt, readAt + weightsAt);
            readAt = readAt == (Stages - 1) * stageBytes ? 0 : readAt + stageBytes;
        }

        // The sums take the place of what was multiplied.
        CudaAsm.Emit(TensorTilePtx.WaitForAll);
        Group.Barrier();
        var sumsAt = warp * SumBytes + (lane / 4 * SumPitch + lane % 4 * 2) * sizeof(float);
        var m = at.FirstPixel + warp / warpsAcross * WarpPixels;
        var k = at.ChannelTile * tiling.TileChannels + warp % warpsAcross * WarpChannels;
        CudaAsm.Emit(TensorTilePtx.StoreRows0, sumsAt);
        StoreRows(shared, bias, residual, sizes, tiling, at, m, k, output);
        CudaAsm.Emit(TensorTilePtx.StoreRows1, sumsAt);
        StoreRows(shared, bias, residual, sizes, tiling, at, m + 16, k, output);
        CudaAsm.Emit(TensorTilePtx.StoreRows2, sumsAt);
        StoreRows(shared, bias, residual, sizes, tiling, at, m + 32, k, output);
        CudaAsm.Emit(TensorTilePtx.StoreRows3, sumsAt);
        StoreRows(shared, bias, residual, sizes, tiling, at, m + 48, k, output);
    }

    private static void CopyRow(AddressedView input, WindowReader reader, WindowPlace place, ConvolutionSizes sizes, int byFours, int to)
    {
        if (byFours != 0)
        {
            var i = reader.IndexOf(place, sizes);
            CudaAsm.Emit(TensorTilePtx.CopyFour, to, input.Address + IntrinsicMath.Max(i, 0) * 4L, i < 0 ? 0 : 16);
            return;
        }
        for (var j = 0; j < 4; j++)
        {
            var i = reader.IndexOf(place, sizes);
            CudaAsm.Emit(TensorTilePtx.CopyOne, to + j * 4, input.Address + IntrinsicMath.Max(i, 0) * 4L, i < 0 ? 0 : 4);
            place = place.Skip(1, sizes);
        }
    }

    private static void MultiplyTf32(int pixelsAt, int weightsAt)
    {
        CudaAsm.Emit(TensorTilePtx.LoadWeightsTf32, weightsAt);
        CudaAsm.Emit(TensorTilePtx.LoadPixelsTf32, pixelsAt);
        CudaAsm.Emit(TensorTilePtx.Rows0Tf32);
        CudaAsm.Emit(TensorTilePtx.LoadPixelsTf32, pixelsAt + 16 * RowBytes);
        CudaAsm.Emit(TensorTilePtx.Rows1Tf32);
        CudaAsm.Emit(TensorTilePtx.LoadPixelsTf32, pixelsAt + 32 * RowBytes);
        CudaAsm.Emit(TensorTilePtx.Rows2Tf32);
        CudaAsm.Emit(TensorTilePtx.LoadPixelsTf32, pixelsAt + 48 * RowBytes);
        CudaAsm.Emit(TensorTilePtx.Rows3Tf32);
    }

    private static void MultiplyFp16(int pixelsAt, int weightsAt)
    {
        CudaAsm.Emit(TensorTilePtx.LoadWeightsFp16, weightsAt);
        CudaAsm.Emit(TensorTilePtx.LoadPixelsFp16, pixelsAt);
        CudaAsm.Emit(TensorTilePtx.Rows0Fp16);
        CudaAsm.Emit(TensorTilePtx.LoadPixelsFp16, pixelsAt + 16 * RowBytes);
        CudaAsm.Emit(TensorTilePtx.Rows1Fp16);
        CudaAsm.Emit(TensorTilePtx.LoadPixelsFp16, pixelsAt + 32 * RowBytes);
        CudaAsm.Emit(TensorTilePtx.Rows2Fp16);
        CudaAsm.Emit(TensorTilePtx.LoadPixelsFp16, pixelsAt + 48 * RowBytes);
        CudaAsm.Emit(TensorTilePtx.Rows3Fp16);
    }

    /// <summary>Ends 16 rows of the warp's sums: eight lanes each row, so that they write 128 neighbouring bytes.</summary>
    private static void StoreRows(
        ArrayView<Float4> shared, ArrayView<float> bias, ArrayView<float> residual, ConvolutionSizes sizes, GroupTiling tiling,
        GroupPosition at, int m, int k, ArrayView<float> output)
    {
        Warp.Barrier();
        var lane = Group.IdxX % 32;
        for (var row = lane / 8; row < 16; row += 4)
        {
            var sums = shared[Group.IdxX / 32 * (SumBytes / 16) + row * (SumPitch / 4) + lane % 8];
            var outputRow = OutputRow.Of(m + row, at, sizes, tiling);
            GroupOutput.StoreFour(bias, residual, sizes, tiling, outputRow, k + lane % 8 * 4, sums, output);
        }
        // The next rows take the place of these.
        Warp.Barrier();
    }
}
