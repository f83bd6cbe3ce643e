using System.Numerics;
using Fpn.IlGpu.Runtime;
using ILGPU;
using ILGPU.IR.Intrinsics;

namespace Fpn.IlGpu.Kernels;

/// <summary>
/// One step of stochastic gradient descent with momentum, weight decay and gradient clipping, as in torch.optim.SGD and
/// clip_grad_norm_:
/// <code>
/// g' = g · min(1, limit / (norm + 1e-6)) + decay · w
/// v  = momentum · v + g'
/// w −= rate · v
/// </code>
/// </summary>
internal static class SgdStep
{
    /// <summary>Updates one parameter.</summary>
    /// <param name="device">The device that holds all arrays.</param>
    /// <param name="gradient">g, [length].</param>
    /// <param name="norm">[1]: the norm of all gradients together; not read if there is no limit.</param>
    /// <param name="settings">The learning rate and the other settings.</param>
    /// <param name="velocity">v, [length]; zeros before the first step.</param>
    /// <param name="weights">w, [length].</param>
    public static void Run(
        Device device, ArrayView<float> gradient, ArrayView<float> norm, Settings settings, ArrayView<float> velocity,
        ArrayView<float> weights)
    {
        if (gradient.Length != weights.Length || velocity.Length != weights.Length)
            throw new ArgumentException($"{gradient.Length} gradients don't fit {weights.Length} weights.", nameof(gradient));
        var length = (int)weights.Length;
        var grain = Grain.For(device, length, 1);
        device.Launch(Kernel, grain.Threads(length, 1), gradient, norm, settings, length, grain, velocity, weights);
    }

    /// <summary>One thread = some consecutive elements (see <see cref="Grain"/>).</summary>
    internal static void Kernel(
        Index1D index, ArrayView<float> gradient, ArrayView<float> norm, Settings settings, int length, Grain grain,
        ArrayView<float> velocity, ArrayView<float> weights)
    {
        var from = index * grain.Pixels;
        var scale = settings.NormLimit > 0 ? IntrinsicMath.Min(1, settings.NormLimit / (norm[0] + 1e-6f)) : 1;
        Step(gradient, scale, settings, from, IntrinsicMath.Min(grain.Pixels, length - from), velocity, weights);
    }

    /// <summary>The CPU body: a run of elements, by SIMD.</summary>
    [IntrinsicImplementation]
    public static void Step(
        ArrayView<float> gradient, float scale, Settings settings, int from, int count, ArrayView<float> velocity,
        ArrayView<float> weights)
    {
        var g = ChannelRun.Vectors(ChannelRun.Span(gradient, from, count));
        var v = ChannelRun.Vectors(ChannelRun.Span(velocity, from, count));
        var w = ChannelRun.Vectors(ChannelRun.Span(weights, from, count));
        for (var i = 0; i < w.Length; i++)
        {
            v[i] = v[i] * settings.Momentum + (g[i] * scale + w[i] * settings.Decay);
            w[i] -= v[i] * settings.Rate;
        }
        var done = w.Length * Vector<float>.Count;
        StepOnDevice(gradient, scale, settings, from + done, count - done, velocity, weights);
    }

    /// <summary>The GPU body: usually one element.</summary>
    [DeviceBody(nameof(Step))]
    public static void StepOnDevice(
        ArrayView<float> gradient, float scale, Settings settings, int from, int count, ArrayView<float> velocity,
        ArrayView<float> weights)
    {
        for (var i = from; i < from + count; i++)
        {
            var step = velocity[i] * settings.Momentum + (gradient[i] * scale + weights[i] * settings.Decay);
            velocity[i] = step;
            weights[i] -= step * settings.Rate;
        }
    }

    /// <summary>The settings of a step.</summary>
    /// <param name="Rate">The learning rate.</param>
    /// <param name="Momentum">The fraction of the last step's velocity that is kept: 0.9.</param>
    /// <param name="Decay">Weight decay: 1e-4.</param>
    /// <param name="NormLimit">All gradients are scaled so that their norm is at most this; 0 for no limit.</param>
    internal readonly record struct Settings(float Rate, float Momentum, float Decay, float NormLimit = 0);
}
