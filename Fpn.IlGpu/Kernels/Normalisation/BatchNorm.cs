using System.Numerics;
using Fpn.IlGpu.Runtime;
using Fpn.IlGpu.Tensors;
using ILGPU;
using ILGPU.Algorithms;
using ILGPU.IR.Intrinsics;

namespace Fpn.IlGpu.Kernels;

/// <summary>
/// Batch normalisation as a layer of its own (Ioffe and Szegedy, algorithm 1); for inference it is folded into weights.
/// <code>
/// out[n, y, x, c] = f( γ[c] · (in[n, y, x, c] − μ[c]) · r[c] + β[c] ),   r = 1 / √(σ² + ε)
/// frozen   μ, σ²  the running statistics
/// live     μ, σ²  of all M pixels of the batch;  running += momentum · (batch − running), with the batch's σ² · M / (M − 1)
/// </code>
/// as in PyTorch. The pixels are split into parts. Each part gives its mean and its sum of squared deviations, which are combined as by
/// Chan, Golub and LeVeque, so that no digits are lost where σ is small compared with μ.
/// </summary>
internal static class BatchNorm
{
    private const int PixelsPerPart = 256;

    /// <summary>Normalises with the running statistics.</summary>
    /// <param name="device">The device that holds all arrays.</param>
    /// <param name="input">[N, H, W, C].</param>
    /// <param name="affine">γ and β.</param>
    /// <param name="running">The running μ and σ².</param>
    /// <param name="epsilon">ε.</param>
    /// <param name="activation">f.</param>
    /// <param name="used">Receives μ and r, for the gradient.</param>
    /// <param name="output">[N, H, W, C]; must not be the input.</param>
    public static void Frozen(
        Device device, Tensor input, Affine affine, Running running, float epsilon, Activation activation, Used used, Tensor output)
    {
        device.Launch(FrozenKernel, input.Shape.C, running, epsilon, used);
        Normalise(device, input, affine, activation, used, output);
    }

    /// <summary>Normalises with the batch's own statistics, and updates the running ones.</summary>
    /// <param name="device">The device that holds all arrays.</param>
    /// <param name="input">[N, H, W, C].</param>
    /// <param name="affine">γ and β.</param>
    /// <param name="running">The running μ and σ², which are updated.</param>
    /// <param name="epsilon">ε.</param>
    /// <param name="momentum">How far the running statistics move, as a fraction of the difference: 0.1.</param>
    /// <param name="activation">f.</param>
    /// <param name="used">Receives μ and r, for the gradient.</param>
    /// <param name="output">[N, H, W, C]; must not be the input.</param>
    /// <exception cref="ArgumentException">The batch has fewer than two pixels, so that its variance is undefined.</exception>
    public static void Live(
        Device device, Tensor input, Affine affine, Running running, float epsilon, float momentum, Activation activation, Used used,
        Tensor output)
    {
        var shape = input.Shape;
        if (shape.Pixels < 2)
            throw new ArgumentException($"A batch of {shape} has too few pixels for statistics.", nameof(input));
        var parts = Division.CeilDiv(shape.Pixels, PixelsPerPart);
        var chunk = device.Info.Kind == DeviceKind.Cpu ? shape.C : 1;
        var sizes = new Sizes(shape.Pixels, shape.C, parts, chunk);
        using var means = device.Rent<float>((long)parts * shape.C);
        using var squares = device.Rent<float>((long)parts * shape.C);
        device.Launch(PartKernel, parts * Division.CeilDiv(shape.C, chunk), input.View, sizes, means.View, squares.View);
        device.Launch(CombineKernel, shape.C, means.View, squares.View, sizes, epsilon, momentum, running, used);
        Normalise(device, input, affine, activation, used, output);
    }

    /// <summary>One thread = one channel: its μ and r from the running statistics.</summary>
    internal static void FrozenKernel(Index1D index, Running running, float epsilon, Used used)
    {
        used.Mean[index] = running.Mean[index];
        used.Factor[index] = 1 / XMath.Sqrt(running.Variance[index] + epsilon);
    }

    /// <summary>One thread = some channels of one part of the pixels: their means and sums of squared deviations, [parts, C].</summary>
    internal static void PartKernel(Index1D index, ArrayView<float> input, Sizes sizes, ArrayView<float> means, ArrayView<float> squares)
    {
        var chunks = (sizes.Channels + sizes.Chunk - 1) / sizes.Chunk;
        var c = index % chunks * sizes.Chunk;
        var part = index / chunks;
        var count = IntrinsicMath.Min(sizes.Chunk, sizes.Channels - c);
        var first = part * PixelsPerPart;
        var pixels = IntrinsicMath.Min(PixelsPerPart, sizes.Pixels - first);
        Moments(input, first * sizes.Channels + c, sizes.Channels, pixels, count, part * sizes.Channels + c, means, squares);
    }

    /// <summary>One thread = one channel: combines its parts, and updates its running statistics.</summary>
    internal static void CombineKernel(
        Index1D index, ArrayView<float> means, ArrayView<float> squares, Sizes sizes, float epsilon, float momentum, Running running,
        Used used)
    {
        var (count, mean, sum) = (0f, 0f, 0f);
        for (var part = 0; part < sizes.Parts; part++)
        {
            var at = part * sizes.Channels + index;
            var own = (float)IntrinsicMath.Min(PixelsPerPart, sizes.Pixels - part * PixelsPerPart);
            var apart = means[at] - mean;
            var share = own / (count + own);
            mean += apart * share;
            sum += squares[at] + apart * apart * count * share;
            count += own;
        }
        used.Mean[index] = mean;
        used.Factor[index] = 1 / XMath.Sqrt(sum / sizes.Pixels + epsilon);
        running.Mean[index] += momentum * (mean - running.Mean[index]);
        running.Variance[index] += momentum * (sum / (sizes.Pixels - 1) - running.Variance[index]);
    }

    /// <summary>One thread = some pixels (n, y, x) × some channels c (see <see cref="Grain"/>).</summary>
    internal static void NormaliseKernel(
        Index1D index, ArrayView<float> input, Affine affine, Used used, int pixels, int channels, Activation activation, Grain grain,
        ArrayView<float> output)
    {
        var parts = (channels + grain.Channels - 1) / grain.Channels;
        var c = index % parts * grain.Channels;
        var first = index / parts * grain.Pixels;
        var own = IntrinsicMath.Min(grain.Pixels, pixels - first);
        Scale(input, affine, used, first, own, c, channels, IntrinsicMath.Min(grain.Channels, channels - c), activation, output);
    }

    /// <summary>The CPU body: several channels at a time, by SIMD.</summary>
    [IntrinsicImplementation]
    public static void Moments(
        ArrayView<float> input, int from, int step, int pixels, int count, int to, ArrayView<float> means, ArrayView<float> squares)
    {
        var c = 0;
        for (; c + Vector<float>.Count <= count; c += Vector<float>.Count)
        {
            var mean = Vector<float>.Zero;
            for (var p = 0; p < pixels; p++)
                mean += ChannelRun.Load(input, from + p * step + c);
            mean /= pixels;
            var sum = Vector<float>.Zero;
            for (var p = 0; p < pixels; p++)
            {
                var deviation = ChannelRun.Load(input, from + p * step + c) - mean;
                sum += deviation * deviation;
            }
            ChannelRun.Store(mean, means, to + c);
            ChannelRun.Store(sum, squares, to + c);
        }
        MomentsOnDevice(input, from + c, step, pixels, count - c, to + c, means, squares);
    }

    /// <summary>The GPU body: usually one channel.</summary>
    [DeviceBody(nameof(Moments))]
    public static void MomentsOnDevice(
        ArrayView<float> input, int from, int step, int pixels, int count, int to, ArrayView<float> means, ArrayView<float> squares)
    {
        for (var c = 0; c < count; c++)
        {
            var shift = input[from + c];
            var mean = 0f;
            for (var p = 0; p < pixels; p++)
                mean += input[from + p * step + c] - shift;
            mean = shift + mean / pixels;
            var sum = 0f;
            for (var p = 0; p < pixels; p++)
            {
                var deviation = input[from + p * step + c] - mean;
                sum += deviation * deviation;
            }
            means[to + c] = mean;
            squares[to + c] = sum;
        }
    }

    /// <summary>The CPU body: the channels of some pixels, by SIMD.</summary>
    [IntrinsicImplementation]
    public static void Scale(
        ArrayView<float> input, Affine affine, Used used, int first, int pixels, int c, int channels, int count, Activation activation,
        ArrayView<float> output)
    {
        var done = 0;
        for (; done + Vector<float>.Count <= count; done += Vector<float>.Count)
        {
            var scale = ChannelRun.Load(affine.Gamma, c + done) * ChannelRun.Load(used.Factor, c + done);
            var mean = ChannelRun.Load(used.Mean, c + done);
            var beta = ChannelRun.Load(affine.Beta, c + done);
            for (var p = first; p < first + pixels; p++)
            {
                var at = p * channels + c + done;
                ChannelRun.Store(Activate.Lanes((ChannelRun.Load(input, at) - mean) * scale + beta, activation), output, at);
            }
        }
        ScaleOnDevice(input, affine, used, first, pixels, c + done, channels, count - done, activation, output);
    }

    /// <summary>The GPU body: usually one channel of one pixel.</summary>
    [DeviceBody(nameof(Scale))]
    public static void ScaleOnDevice(
        ArrayView<float> input, Affine affine, Used used, int first, int pixels, int c, int channels, int count, Activation activation,
        ArrayView<float> output)
    {
        for (var k = c; k < c + count; k++)
        {
            var scale = affine.Gamma[k] * used.Factor[k];
            for (var p = first; p < first + pixels; p++)
            {
                var at = p * channels + k;
                output[at] = Activate.Value((input[at] - used.Mean[k]) * scale + affine.Beta[k], activation);
            }
        }
    }

    private static void Normalise(Device device, Tensor input, Affine affine, Activation activation, Used used, Tensor output)
    {
        var shape = input.Shape;
        if (output.Shape != shape)
            throw new ArgumentException($"The output must be {shape}, not {output.Shape}.", nameof(output));
        var grain = Grain.For(device, shape.Pixels, shape.C);
        device.Launch(
            NormaliseKernel, grain.Threads(shape.Pixels, shape.C), input.View, affine, used, shape.Pixels, shape.C, activation, grain,
            output.View);
    }

    internal readonly record struct Sizes(int Pixels, int Channels, int Parts, int Chunk);

    /// <summary>γ and β, [C] each.</summary>
    internal readonly record struct Affine(ArrayView<float> Gamma, ArrayView<float> Beta);

    /// <summary>The running mean and variance, [C] each.</summary>
    internal readonly record struct Running(ArrayView<float> Mean, ArrayView<float> Variance);

    /// <summary>The μ and r = 1 / √(σ² + ε) that the forward pass used, [C] each.</summary>
    internal readonly record struct Used(ArrayView<float> Mean, ArrayView<float> Factor);
}
