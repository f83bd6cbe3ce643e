using System.Globalization;
using Fpn.IlGpu.Kernels;
using Fpn.IlGpu.Runtime;
using Fpn.IlGpu.Tensors;

namespace Fpn.IlGpu.Networks;

/// <summary>
/// Turns named tensors, as PyTorch stores them, into layers: transposes [K, C, kh, kw] to [kh, kw, C, K] and folds
/// batch norms, which at inference are a factor and an offset a channel:
/// <code>y = (x − mean) · γ / √(var + ε) + β</code>
/// Whatever shapes tell is read off them; the rest is checked against what the layers before give.
/// </summary>
internal sealed class WeightReader(Device device, StateDictionary state, float batchNormEpsilon)
{
    /// <summary>Whether there is a tensor of a name.</summary>
    public bool Has(string name) => state.Contains(name);

    /// <summary>The first of some names that there is, or else the first, for the message that it is missing.</summary>
    public string FirstOf(params ReadOnlySpan<string> names)
    {
        foreach (var name in names)
        {
            if (state.Contains(name + ".weight"))
                return name;
        }
        return names[0];
    }

    /// <summary>
    /// How many parts <c>prefix0</c>, <c>prefix1</c>, … there are: one more than the highest number of any tensor, so
    /// that a missing tensor is missed, and does not make the network a smaller one.
    /// </summary>
    public int Count(string prefix)
    {
        var highest = -1;
        foreach (var name in state.Tensors.Keys)
        {
            if (!name.StartsWith(prefix, StringComparison.Ordinal))
                continue;
            var number = name[prefix.Length..].Split('.')[0];
            if (int.TryParse(number, NumberStyles.None, CultureInfo.InvariantCulture, out var n))
                highest = Math.Max(highest, n);
        }
        return highest + 1;
    }

    /// <summary>Whether any tensor's name begins with a prefix.</summary>
    public bool HasAny(string prefix) => state.Tensors.Keys.Any(name => name.StartsWith(prefix, StringComparison.Ordinal));

    /// <summary>An error of the file that is read, to throw.</summary>
    public WeightsException Error(string message) => new($"{state.Source}: {message}");

    /// <summary>The size of one dimension of a tensor; what is missing or has another rank is named.</summary>
    /// <exception cref="WeightsException">There is no such tensor, or it has another number of dimensions.</exception>
    public int Size(string name, int dimension, int rank)
    {
        var shape = state[name].Shape;
        return shape.Count == rank
            ? shape[dimension]
            : throw Error(
                $"the tensor '{name}' has shape [{string.Join(", ", shape)}] where {rank} dimensions are needed.");
    }

    /// <summary>A convolution <c>name.weight</c> with <c>name.bias</c> or a batch norm of its own.</summary>
    /// <param name="name">The convolution's name.</param>
    /// <param name="inputC">Channels of its input.</param>
    /// <param name="window">Stride, padding, dilation, groups.</param>
    /// <param name="relu">Whether a ReLU follows.</param>
    /// <param name="batchNorm">The name of the batch norm that follows, or null.</param>
    /// <param name="outputC">Channels that its output must have, or null where any number will do.</param>
    /// <exception cref="WeightsException">A tensor is missing, of the wrong shape, or has values that are no numbers.</exception>
    public ConvolutionLayer Convolution(
        string name, int inputC, ConvolutionWindow window, bool relu, string? batchNorm = null, int? outputC = null)
        => ReadConvolution(name, inputC, outputC ?? Size(name + ".weight", 0, 4), window, relu, batchNorm);

    private ConvolutionLayer ReadConvolution(
        string name, int inputC, int outputC, ConvolutionWindow window, bool relu, string? batchNorm)
    {
        var (kernelH, kernelW) = (Size(name + ".weight", 2, 4), Size(name + ".weight", 3, 4));
        var groupC = inputC / window.Groups;
        if (outputC % window.Groups != 0)
            throw Error($"the {outputC} outputs of '{name}.weight' can't be split into {window.Groups} groups.");
        var torch = state.Read(name + ".weight", outputC, groupC, kernelH, kernelW);
        var hasBias = batchNorm is null || Has(name + ".bias");
        var bias = hasBias ? state.Read(name + ".bias", outputC) : new float[outputC];
        var scale = batchNorm is null ? null : FoldBatchNorm(batchNorm, bias);
        var weights = Transpose(torch, outputC, groupC, kernelH * kernelW, scale);
        return new ConvolutionLayer(
            device, new ConvolutionWeights(device, weights, bias, kernelH, kernelW, groupC, outputC, window.Groups), window, relu);
    }

    /// <summary>
    /// A fully connected layer over features that PyTorch flattens from [C, positions] and this library from
    /// [positions, C].
    /// </summary>
    /// <param name="name">The layer's name.</param>
    /// <param name="channels">C.</param>
    /// <param name="positions">bins · bins, or 1.</param>
    public ConvolutionWeights FullyConnected(string name, int channels, int positions = 1)
    {
        var outputC = Size(name + ".weight", 0, 2);
        var torch = state.Read(name + ".weight", outputC, channels * positions);
        var bias = state.Read(name + ".bias", outputC);
        var weights = Transpose(torch, outputC, channels, positions, scale: null);
        return new ConvolutionWeights(device, weights, bias, 1, 1, channels * positions, outputC);
    }

    /// <summary>[K, C, positions] to [positions, C, K], each output channel times its factor.</summary>
    private static float[] Transpose(float[] torch, int outputC, int inputC, int positions, float[]? scale)
    {
        var weights = new float[torch.Length];
        Parallel.For(0, positions, p =>
        {
            for (var c = 0; c < inputC; c++)
            {
                var to = (p * inputC + c) * outputC;
                for (var k = 0; k < outputC; k++)
                    weights[to + k] = torch[(k * inputC + c) * positions + p] * (scale is null ? 1 : scale[k]);
            }
        });
        return weights;
    }

    /// <summary>The factors γ / √(var + ε); the bias becomes (bias − mean) · factor + β.</summary>
    private float[] FoldBatchNorm(string name, float[] bias)
    {
        var channels = bias.Length;
        var gamma = state.Read(name + ".weight", channels);
        var beta = state.Read(name + ".bias", channels);
        var mean = state.Read(name + ".running_mean", channels);
        var variance = state.Read(name + ".running_var", channels);
        var scale = new float[channels];
        for (var k = 0; k < channels; k++)
        {
            scale[k] = gamma[k] / MathF.Sqrt(variance[k] + batchNormEpsilon);
            if (!float.IsFinite(scale[k]))
                throw Error($"the tensor '{name}.running_var' has {variance[k]} at [{k}], by whose root can't be divided.");
            bias[k] = (bias[k] - mean[k]) * scale[k] + beta[k];
        }
        return scale;
    }
}
