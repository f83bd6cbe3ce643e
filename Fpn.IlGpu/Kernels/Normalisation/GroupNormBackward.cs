using Fpn.IlGpu.Runtime;
using Fpn.IlGpu.Tensors;
using ILGPU;
using ILGPU.Algorithms;

namespace Fpn.IlGpu.Kernels;

/// <summary>
/// The gradient of <see cref="GroupNorm"/>, with r = 1 / √(σ² + ε), x̂ = (in − μ) · r, and means over the M values of a picture's group:
/// <code>
/// dβ[c] = Σ dout           dγ[c] = Σ dout · x̂                                    over all pictures and pixels
/// din = r · (γ · dout − mean(γ · dout) − x̂ · mean(γ · dout · x̂))                 because μ and r depend on the input, too
/// </code>
/// (Ioffe and Szegedy, section 3, with sums over a group instead of a batch.) All
/// of them follow from the sums of dout and dout · x̂ over the pixels of each picture's channel.
/// </summary>
internal static class GroupNormBackward
{
    /// <summary>Computes all three gradients.</summary>
    /// <param name="device">The device that holds all arrays.</param>
    /// <param name="input">[N, H, W, C].</param>
    /// <param name="outputGradient">dout before any activation, [N, H, W, C].</param>
    /// <param name="gamma">γ, [C].</param>
    /// <param name="groups">The number of groups that C is split into.</param>
    /// <param name="epsilon">ε.</param>
    /// <param name="gammaGradient">Receives dγ, [C].</param>
    /// <param name="betaGradient">Receives dβ, [C].</param>
    /// <param name="inputGradient">Receives din, [N, H, W, C]; may be dout itself.</param>
    public static void Run(
        Device device, Tensor input, Tensor outputGradient, ArrayView<float> gamma, int groups, float epsilon,
        ArrayView<float> gammaGradient, ArrayView<float> betaGradient, Tensor inputGradient)
    {
        var shape = input.Shape;
        if (outputGradient.Shape != shape || inputGradient.Shape != shape)
            throw new ArgumentException($"Gradients of {outputGradient.Shape} and {inputGradient.Shape} don't fit an input of {shape}.");
        var sizes = new Sizes(shape.N, shape.H * shape.W, shape.C, groups, epsilon);
        using var moments = GroupNorm.MomentsOf(device, input, groups);
        using var normalised = Tensor.Rent(device, shape);
        using var means = device.Rent<Means>(shape.N * groups);
        var length = (int)shape.Length;
        var grain = Grain.For(device, length, 1);
        device.Launch(NormaliseKernel, grain.Threads(length, 1), input.View, moments.View, sizes, length, grain, normalised.View);
        using var sums = PictureSums.Of(device, outputGradient, normalised);
        device.Launch(MeanKernel, shape.N * groups, sums.Values, sums.Products, gamma, sizes, means.View);
        device.Launch(AffineKernel, shape.C, sums.Values, sums.Products, sizes, gammaGradient, betaGradient);
        device.Launch(
            InputKernel, grain.Threads(length, 1), normalised.View, outputGradient.View, gamma, new Statistics(moments.View, means.View),
            sizes, length, grain, inputGradient.View);
    }

    /// <summary>One thread = some consecutive elements of x̂ (see <see cref="Grain"/>).</summary>
    internal static void NormaliseKernel(
        Index1D index, ArrayView<float> input, ArrayView<GroupNorm.Moments> moments, Sizes sizes, int length, Grain grain,
        ArrayView<float> normalised)
    {
        var end = IntrinsicMath.Min((index + 1) * grain.Pixels, length);
        for (var i = index * grain.Pixels; i < end; i++)
        {
            var own = moments[GroupOf(i, sizes)];
            normalised[i] = (input[i] - own.Mean) * Factor(own, sizes.Epsilon);
        }
    }

    /// <summary>One thread = one group of one picture: the means of γ · dout and γ · dout · x̂.</summary>
    internal static void MeanKernel(
        Index1D index, ArrayView<float> values, ArrayView<float> products, ArrayView<float> gamma, Sizes sizes, ArrayView<Means> means)
    {
        var width = sizes.Channels / sizes.Groups;
        var n = index / sizes.Groups;
        var firstC = index % sizes.Groups * width;
        var (level, slope) = (0f, 0f);
        for (var c = firstC; c < firstC + width; c++)
        {
            level += gamma[c] * values[n * sizes.Channels + c];
            slope += gamma[c] * products[n * sizes.Channels + c];
        }
        var count = (float)sizes.Pixels * width;
        means[index] = new Means(level / count, slope / count);
    }

    /// <summary>One thread = one channel: dγ and dβ.</summary>
    internal static void AffineKernel(
        Index1D index, ArrayView<float> values, ArrayView<float> products, Sizes sizes, ArrayView<float> gammaGradient,
        ArrayView<float> betaGradient)
    {
        var (gamma, beta) = (0f, 0f);
        for (var n = 0; n < sizes.Pictures; n++)
        {
            gamma += products[n * sizes.Channels + index];
            beta += values[n * sizes.Channels + index];
        }
        gammaGradient[index] = gamma;
        betaGradient[index] = beta;
    }

    /// <summary>One thread = some consecutive elements of din (see <see cref="Grain"/>).</summary>
    internal static void InputKernel(
        Index1D index, ArrayView<float> normalised, ArrayView<float> outputGradient, ArrayView<float> gamma, Statistics statistics,
        Sizes sizes, int length, Grain grain, ArrayView<float> inputGradient)
    {
        var end = IntrinsicMath.Min((index + 1) * grain.Pixels, length);
        for (var i = index * grain.Pixels; i < end; i++)
        {
            var group = GroupOf(i, sizes);
            var mean = statistics.Means[group];
            inputGradient[i] = Factor(statistics.Moments[group], sizes.Epsilon)
                * (gamma[i % sizes.Channels] * outputGradient[i] - mean.Level - normalised[i] * mean.Slope);
        }
    }

    private static int GroupOf(int element, Sizes sizes)
        => element / sizes.Channels / sizes.Pixels * sizes.Groups + element % sizes.Channels / (sizes.Channels / sizes.Groups);

    private static float Factor(GroupNorm.Moments own, float epsilon) => 1 / XMath.Sqrt(own.Squares / own.Count + epsilon);

    internal readonly record struct Sizes(int Pictures, int Pixels, int Channels, int Groups, float Epsilon);

    /// <summary>The mean of γ · dout, and that of γ · dout · x̂.</summary>
    internal readonly record struct Means(float Level, float Slope);

    internal readonly record struct Statistics(ArrayView<GroupNorm.Moments> Moments, ArrayView<Means> Means);
}
