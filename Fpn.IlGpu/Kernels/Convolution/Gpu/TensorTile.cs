using Fpn.IlGpu.Runtime;
using ILGPU;
using ILGPU.Runtime.Cuda;

namespace Fpn.IlGpu.Kernels;

/// <summary>
/// The convolution on the tensor cores of NVIDIA GPUs (compute capability 8.0 and up), which multiply small matrices of rounded values
/// and add the products in float32. A warp computes 64 pixels × 32 channels; a group computes 128 × 128 or, for few channels, 128 × 64.
/// It gains over <see cref="RegisterTile"/> in two ways. One instruction of a warp does 1024 (TF32) or 2048 (FP16) multiply-adds instead
/// of 32. And values arrive in shared memory by asynchronous copies, three steps deep, which take no registers and block no thread.
/// </summary>
/// <remarks>
/// Rounding to TF32 or FP16 leaves 11 bits of each value, so that an output is off by up to 2^-10 · Σ |x · w|. FP16 also has a smaller
/// range: values beyond ±65504 overflow, and values below 6·10^-5 keep fewer bits. Activations are float32 in memory for both; weights
/// are rounded when they are packed.
/// <para>
/// Any of the 16 values of a step may be any column of the product, as long as pixels and weights agree. Here a lane's columns are four
/// neighbours (<see cref="TensorWeights"/>), so that it loads them in one access, and a warp's loads of eight rows use every bank of
/// shared memory once, without padding and without <c>ldmatrix</c>.
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

    // After the last step, each warp has a part of shared memory for 16 rows of its sums. Eight extra values per row put the rows that
    // are written together on different banks.
    private const int SumPitch = WarpChannels + 8;
    private const int SumBytes = 16 * SumPitch * sizeof(float);

    // All the shared memory that a group has without opting in to more.
    private const int SharedBytes = Stages * (PixelBytes + WideChannels * RowBytes);

    /// <summary>Returns the thread group, which has a warp for each 64 × 32 outputs, and its tile.</summary>
    public static GroupShape Shape(int channelGroupOutputC)
    {
        var channels = channelGroupOutputC > NarrowChannels ? WideChannels : NarrowChannels;
        var threads = TilePixels / WarpPixels * channels / WarpChannels * 32;
        return new GroupShape(TilePixels, channels, StepDepth, threads, SharedBytes, GroupsPerMultiprocessor: 512 / threads);
    }

    /// <summary>One thread = 64 outputs, and one warp = 64 pixels × 32 channels, in TF32.</summary>
    [GroupedKernel]
    internal static void Tf32Kernel(
        AddressedView input, AddressedView weights, ArrayView<float> bias, ArrayView<float> residual, ArrayView<int> liveRows,
        ConvolutionSizes sizes, GroupTiling tiling, ArrayView<float> output)
        => Run(input, weights, bias, residual, liveRows, sizes, tiling, 0, output);

    /// <summary>One thread = 64 outputs, and one warp = 64 pixels × 32 channels, in FP16.</summary>
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
        // The only shared array, so that its name in PTX is __shared_alloca0.
        var shared = SharedMemory.Allocate<Float4>(SharedBytes / 16);
        var at = GroupPosition.OfThisGroup(sizes, tiling);
        // Either the whole group returns before its first barrier, or none of it.
        if (tiling.HasLiveRows != 0 && at.FirstPixel >= liveRows[0])
            return;
        CudaAsm.Emit(TensorTilePtx.Clear);

        // What this thread loads: a quad of values of a pixel, and of the pixels that are rows, 2 · rows and 3 · rows below.
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

        // Where this lane's first row of pixels and its first weights are.
        var warp = thread / 32;
        var lane = thread % 32;
        var warpsAcross = tiling.TileChannels / WarpChannels;
        var pixelsAt = warp / warpsAcross * (WarpPixels * RowBytes) + lane / 4 * RowBytes + lane % 4 * 16;
        var weightsAt = PixelBytes + warp % warpsAcross * (WarpChannels * RowBytes >> half) + lane * 16;

        // Copies run two steps ahead, into the stage that the previous step has just finished reading.
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

        // The sums overwrite the pixels and weights in shared memory.
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

    /// <summary>Ends 16 rows of the warp's sums: eight lanes for each row, so that they write 128 contiguous bytes.</summary>
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
        // The next rows overwrite these.
        Warp.Barrier();
    }
}
