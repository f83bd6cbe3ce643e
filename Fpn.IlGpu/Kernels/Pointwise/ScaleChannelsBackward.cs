using System.Numerics;
using Fpn.IlGpu.Runtime;
using Fpn.IlGpu.Tensors;
using ILGPU;
using ILGPU.IR.Intrinsics;

namespace Fpn.IlGpu.Kernels;

/// <summary>
/// The gradients of <see cref="ScaleChannels"/>:
/// <code>
/// din[n, y, x, c] (+)= dout[n, y, x, c] · gates[n, c]
/// dgates[n, c]    (+)= Σ y, x  dout[n, y, x, c] · in[n, y, x, c]
/// </code>
/// One pass over dout computes both. It sums parts of the pixels; the parts are then added in their order (see <see cref="PartialSums"/>).
/// </summary>
internal static class ScaleChannelsBackward
{
    // Fewer than in other sums: this pass also writes a map, and a GPU needs many threads for that.
    private const int PixelsPerPart = 64;

    /// <summary>Computes both gradients.</summary>
    /// <param name="device">The device that holds all tensors.</param>
    /// <param name="outputGradient">dout, [N, H, W, C].</param>
    /// <param name="input">[N, H, W, C].</param>
    /// <param name="gates">[N, 1, 1, C].</param>
    /// <param name="accumulateInput">Whether to add to din instead of overwriting it.</param>
    /// <param name="inputGradient">din, [N, H, W, C]; may be dout itself unless it is added to.</param>
    /// <param name="accumulateGates">Whether to add to dgates instead of overwriting them.</param>
    /// <param name="gatesGradient">dgates, [N, 1, 1, C].</param>
    public static void Run(
        Device device, Tensor outputGradient, Tensor input, Tensor gates, bool accumulateInput, Tensor inputGradient,
        bool accumulateGates, Tensor gatesGradient)
    {
        var shape = input.Shape;
        if (outputGradient.Shape != shape || inputGradient.Shape != shape)
            throw new ArgumentException($"Gradients of {outputGradient.Shape} and {inputGradient.Shape} don't fit an input of {shape}.");
        if (gates.Shape != new Shape(shape.N, 1, 1, shape.C) || gatesGradient.Shape != gates.Shape)
            throw new ArgumentException($"{gates.Shape} factors don't fit an input of {shape}.", nameof(gates));
        var parts = Division.CeilDiv(shape.H * shape.W, PixelsPerPart);
        var chunk = device.Info.Kind == DeviceKind.Cpu ? shape.C : 1;
        var sizes = new Sizes(shape.N, shape.H * shape.W, shape.C, parts, chunk, accumulateInput ? 1 : 0);
        using var partial = device.Rent<float>((long)parts * shape.N * shape.C);
        device.Launch(
            Kernel, shape.N * parts * Division.CeilDiv(shape.C, chunk), outputGradient.View, input.View, gates.View, sizes,
            inputGradient.View, partial.View);
        PartialSums.Combine(device, partial.View, parts, accumulateGates, gatesGradient.View);
    }

    /// <summary>One thread = some channels of one part of a picture's pixels: their din, and their share of dgates, [parts, N, C].</summary>
    internal static void Kernel(
        Index1D index, ArrayView<float> outputGradient, ArrayView<float> input, ArrayView<float> gates, Sizes sizes,
        ArrayView<float> inputGradient, ArrayView<float> partial)
    {
        var chunks = (sizes.Channels + sizes.Chunk - 1) / sizes.Chunk;
        var c = index % chunks * sizes.Chunk;
        var part = index / chunks % sizes.Parts;
        var n = index / chunks / sizes.Parts;
        var first = part * PixelsPerPart;
        var patch = new Patch(
            (n * sizes.Pixels + first) * sizes.Channels + c, IntrinsicMath.Min(PixelsPerPart, sizes.Pixels - first), sizes.Channels,
            IntrinsicMath.Min(sizes.Chunk, sizes.Channels - c), n * sizes.Channels + c, (part * sizes.Batch + n) * sizes.Channels + c);
        Differentiate(outputGradient, input, gates, patch, sizes.Accumulate, inputGradient, partial);
    }

    /// <summary>The CPU body: several channels at a time, by SIMD.</summary>
    [IntrinsicImplementation]
    public static void Differentiate(
        ArrayView<float> outputGradient, ArrayView<float> input, ArrayView<float> gates, Patch patch, int accumulate,
        ArrayView<float> inputGradient, ArrayView<float> partial)
    {
        var c = 0;
        for (; c + Vector<float>.Count <= patch.Count; c += Vector<float>.Count)
        {
            var gate = ChannelRun.Load(gates, patch.Gate + c);
            var sum = Vector<float>.Zero;
            for (var p = 0; p < patch.Pixels; p++)
            {
                var at = patch.First + p * patch.Step + c;
                var gradient = ChannelRun.Load(outputGradient, at);
                sum += gradient * ChannelRun.Load(input, at);
                var before = accumulate != 0 ? ChannelRun.Load(inputGradient, at) : Vector<float>.Zero;
                ChannelRun.Store(before + gradient * gate, inputGradient, at);
            }
            ChannelRun.Store(sum, partial, patch.To + c);
        }
        DifferentiateOnDevice(outputGradient, input, gates, patch.Without(c), accumulate, inputGradient, partial);
    }

    /// <summary>The GPU body: usually one channel.</summary>
    [DeviceBody(nameof(Differentiate))]
    public static void DifferentiateOnDevice(
        ArrayView<float> outputGradient, ArrayView<float> input, ArrayView<float> gates, Patch patch, int accumulate,
        ArrayView<float> inputGradient, ArrayView<float> partial)
    {
        for (var c = 0; c < patch.Count; c++)
        {
            var gate = gates[patch.Gate + c];
            var sum = 0f;
            for (var p = 0; p < patch.Pixels; p++)
            {
                var at = patch.First + p * patch.Step + c;
                var gradient = outputGradient[at];
                sum += gradient * input[at];
                var before = accumulate != 0 ? inputGradient[at] : 0f;
                inputGradient[at] = before + gradient * gate;
            }
            partial[patch.To + c] = sum;
        }
    }

    internal readonly record struct Sizes(int Batch, int Pixels, int Channels, int Parts, int Chunk, int Accumulate);

    /// <summary>
    /// Some channels of some pixels: the index of the first value, the number of pixels, the step between them, the number of channels;
    /// the index of the first channel's gate, and of its sum.
    /// </summary>
    internal readonly record struct Patch(int First, int Pixels, int Step, int Count, int Gate, int To)
    {
        /// <summary>The same pixels without the first channels.</summary>
        public Patch Without(int c) => new(First + c, Pixels, Step, Count - c, Gate + c, To + c);
    }
}
