using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Fpn.IlGpu.Runtime;
using ILGPU;
using ILGPU.IR.Intrinsics;

namespace Fpn.IlGpu.Kernels;

/// <summary>
/// Packs trained weights on their device, for the form that computes with them: after each step of the optimiser, from the
/// parameter's array into an array that exists already (<see cref="ConvolutionWeights.Reserve"/>).
/// <code>
/// direct     packed[block, ky, kx, c, k] = weights[ky, kx, c, block · BlockC + k]
/// Winograd   packed[block, i, c, k]      = (G weights[·, ·, c, block · BlockC + k] Gᵀ)[i]       i of 36
/// </code>
/// with zeros beyond a part's last channel. A part is a channel group, or all channels of a depthwise convolution.
/// </summary>
internal static unsafe class ConvolutionPacking
{
    // Input channels of a block that a CPU thread packs at a time.
    private const int RunC = 16;

    /// <summary>Packs all blocks.</summary>
    /// <param name="device">The device that holds both arrays.</param>
    /// <param name="parameter">[K, C / groups, kh, kw], or any other array in which the layout finds the weights.</param>
    /// <param name="sizes">How to pack them.</param>
    /// <param name="isWinograd">Whether to transform them.</param>
    /// <param name="packed">[blocks, BlockLength].</param>
    public static void Run(Device device, ArrayView<float> parameter, Sizes sizes, bool isWinograd, ArrayView<float> packed)
    {
        var pairs = sizes.Blocks * sizes.InputC * sizes.BlockC;
        if (device.Info.Kind == DeviceKind.Cpu)
            device.Launch(RunKernel, sizes.Blocks * Division.CeilDiv(sizes.InputC, RunC), parameter, sizes, isWinograd ? 1 : 0, packed);
        else if (isWinograd)
            device.Launch(WinogradKernel, pairs, parameter, sizes, packed);
        else
            device.Launch(DirectKernel, sizes.Blocks * sizes.BlockLength, parameter, sizes, packed);
    }

    /// <summary>One thread = one packed value (block, ky, kx, c, k).</summary>
    internal static void DirectKernel(Index1D index, ArrayView<float> parameter, Sizes sizes, ArrayView<float> packed)
    {
        var k = index % sizes.BlockC;
        var d = index % sizes.BlockLength / sizes.BlockC;
        var c = d % sizes.InputC;
        var kx = d / sizes.InputC % sizes.KernelW;
        var ky = d / sizes.InputC / sizes.KernelW;
        // Some forms pad a block with zeros to whole steps.
        packed[index] = ky < sizes.KernelH ? Load(parameter, sizes, index / sizes.BlockLength, k, c, ky, kx) : 0;
    }

    /// <summary>One thread = the 36 transformed values of one input channel and one output channel.</summary>
    internal static void WinogradKernel(Index1D index, ArrayView<float> parameter, Sizes sizes, ArrayView<float> packed)
    {
        var k = index % sizes.BlockC;
        var c = index / sizes.BlockC % sizes.InputC;
        var block = index / sizes.BlockC / sizes.InputC;
        var w00 = Load(parameter, sizes, block, k, c, 0, 0);
        var w01 = Load(parameter, sizes, block, k, c, 0, 1);
        var w02 = Load(parameter, sizes, block, k, c, 0, 2);
        var w10 = Load(parameter, sizes, block, k, c, 1, 0);
        var w11 = Load(parameter, sizes, block, k, c, 1, 1);
        var w12 = Load(parameter, sizes, block, k, c, 1, 2);
        var w20 = Load(parameter, sizes, block, k, c, 2, 0);
        var w21 = Load(parameter, sizes, block, k, c, 2, 1);
        var w22 = Load(parameter, sizes, block, k, c, 2, 2);
        var step = sizes.InputC * sizes.BlockC;
        var to = (block * WinogradTransform.Values * sizes.InputC + c) * sizes.BlockC + k;
        for (var i = 0; i < WinogradTransform.TileInputs; i++)
        {
            var y = WinogradRow.Of(i);
            var h0 = y.G0 * w00 + y.G1 * w10 + y.G2 * w20;
            var h1 = y.G0 * w01 + y.G1 * w11 + y.G2 * w21;
            var h2 = y.G0 * w02 + y.G1 * w12 + y.G2 * w22;
            for (var j = 0; j < WinogradTransform.TileInputs; j++)
            {
                var x = WinogradRow.Of(j);
                packed[to] = x.G0 * h0 + x.G1 * h1 + x.G2 * h2;
                to += step;
            }
        }
    }

    /// <summary>One thread = up to 16 input channels of a block.</summary>
    [CpuKernel]
    internal static void RunKernel(Index1D index, ArrayView<float> parameter, Sizes sizes, int isWinograd, ArrayView<float> packed)
        => PackRun(parameter, sizes, isWinograd, index, packed);

    [IntrinsicImplementation]
    private static void PackRun(ArrayView<float> parameter, Sizes sizes, int isWinograd, int index, ArrayView<float> packed)
    {
        fixed (float* from = &parameter[0], to = &packed[0])
        {
            var runs = Division.CeilDiv(sizes.InputC, RunC);
            var first = index % runs * RunC;
            for (var c = first; c < Math.Min(first + RunC, sizes.InputC); c++)
            {
                if (isWinograd == 0)
                    Direct(from, sizes, index / runs, c, to);
                else if (Vector512.IsHardwareAccelerated)
                    Winograd<Lanes16>(from, sizes, index / runs, c, to);
                else
                    Winograd<Lanes8>(from, sizes, index / runs, c, to);
            }
        }
    }

    /// <summary>Packs one input channel of a block.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Direct(float* parameter, in Sizes s, int block, int c, float* packed)
    {
        for (var ky = 0; ky < s.KernelH; ky++)
        {
            for (var kx = 0; kx < s.KernelW; kx++)
            {
                var at = ((long)block * s.KernelH + ky) * s.KernelW + kx;
                Gather(parameter, s, block, c, ky, kx, packed + (at * s.InputC + c) * s.BlockC);
            }
        }
    }

    /// <summary>Packs one input channel of a block, as many output channels at a time as a register has lanes.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Winograd<T>(float* parameter, in Sizes s, int block, int c, float* packed)
        where T : struct, ISimdLanes<T>
    {
        var w = stackalloc float[9 * SimdTile.Channels];
        for (var p = 0; p < 9; p++)
            Gather(parameter, s, block, c, p / 3, p % 3, w + p * s.BlockC);
        var step = (nint)s.InputC * s.BlockC;
        for (var k = 0; k < s.BlockC; k += T.Count)
        {
            var to = packed + ((long)block * WinogradTransform.Values * s.InputC + c) * s.BlockC + k;
            for (var i = 0; i < WinogradTransform.TileInputs; i++)
            {
                var y = WinogradRow.Of(i);
                var h0 = Combine(y, T.Load(w + k), T.Load(w + 3 * s.BlockC + k), T.Load(w + 6 * s.BlockC + k));
                var h1 = Combine(y, T.Load(w + s.BlockC + k), T.Load(w + 4 * s.BlockC + k), T.Load(w + 7 * s.BlockC + k));
                var h2 = Combine(y, T.Load(w + 2 * s.BlockC + k), T.Load(w + 5 * s.BlockC + k), T.Load(w + 8 * s.BlockC + k));
                for (var j = 0; j < WinogradTransform.TileInputs; j++, to += step)
                    Combine(WinogradRow.Of(j), h0, h1, h2).Store(to);
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static T Combine<T>(WinogradRow row, T w0, T w1, T w2)
        where T : struct, ISimdLanes<T>
        => w0.MultiplyAdd(T.Of(row.G0), w1.MultiplyAdd(T.Of(row.G1), w2 * T.Of(row.G2)));

    /// <summary>Gathers the output channels of a block at one place of the window.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Gather(float* parameter, in Sizes s, int block, int c, int ky, int kx, float* to)
    {
        var (part, first) = (block / s.BlocksPerPart, block % s.BlocksPerPart * s.BlockC);
        var count = Math.Min(s.BlockC, s.PartC - first);
        if (s.Layout.OutputRun >= s.PartC)
        {
            var from = parameter + s.Layout.At(part, first, c, ky, kx);
            for (var k = 0; k < count; k++)
                to[k] = from[(nint)k * s.Layout.Output];
        }
        else
        {
            var run = s.Layout.OutputRun;
            for (var k = 0; k < count;)
            {
                var end = Math.Min(count, k + run - (first + k) % run);
                var from = parameter + s.Layout.At(part, first + k, c, ky, kx);
                for (; k < end; k++, from += s.Layout.Output)
                    to[k] = *from;
            }
        }
        for (var k = count; k < s.BlockC; k++)
            to[k] = 0;
    }

    private static float Load(ArrayView<float> parameter, Sizes sizes, int block, int k, int c, int ky, int kx)
    {
        k += block % sizes.BlocksPerPart * sizes.BlockC;
        return k < sizes.PartC ? parameter[sizes.Layout.At(block / sizes.BlocksPerPart, k, c, ky, kx)] : 0;
    }

    /// <summary>How to pack.</summary>
    /// <param name="Blocks">The number of blocks.</param>
    /// <param name="BlocksPerPart">Blocks in a part.</param>
    /// <param name="BlockC">Output channels in a block.</param>
    /// <param name="BlockLength">Floats in a block.</param>
    /// <param name="PartC">Output channels in a part.</param>
    /// <param name="InputC">C / groups.</param>
    /// <param name="KernelH">Rows of the window.</param>
    /// <param name="KernelW">Columns of the window.</param>
    /// <param name="Layout">Where the weights are stored in the parameter.</param>
    internal readonly record struct Sizes(
        int Blocks, int BlocksPerPart, int BlockC, int BlockLength, int PartC, int InputC, int KernelH, int KernelW, WeightLayout Layout);
}

/// <summary>A row of <see cref="WinogradTransform"/>'s G, for kernels.</summary>
internal readonly record struct WinogradRow(float G0, float G1, float G2)
{
    private const float A2 = WinogradTransform.A2;
    private const float B2 = WinogradTransform.B2;

    /// <summary>
    /// Returns the row of the i-th point p: [1, p, p²] / Π (p − q) over all other finite points q. The last row is that of ∞.
    /// </summary>
    public static WinogradRow Of(int i)
    {
        if (i == 5)
            return new WinogradRow(0, 0, 1);
        var point = i == 1 ? WinogradTransform.A : i == 2 ? -WinogradTransform.A : i == 3 ? WinogradTransform.B : -WinogradTransform.B;
        point = i == 0 ? 0 : point;
        var factor = i == 0 ? 1 / (A2 * B2) : i <= 2 ? 1 / (2 * A2 * (A2 - B2)) : 1 / (2 * B2 * (B2 - A2));
        return new WinogradRow(factor, factor * point, factor * point * point);
    }
}
