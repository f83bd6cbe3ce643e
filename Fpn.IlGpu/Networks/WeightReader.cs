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
/// <param name="device">Where layers go.</param>
/// <param name="state">Where they come from.</param>
/// <param name="batchNormEpsilon">ε.</param>
/// <param name="problems">
/// Takes what is wrong with tensors, in place of exceptions, as far as reading can go on; null to stop at the first.
/// </param>
internal sealed class WeightReader(Device device, StateDictionary state, float batchNormEpsilon, List<string>? problems = null)
{
    // What a block of output channels, packed for a tile, can still count in an int.
    private const int MostInputs = 1 << 24;

    private readonly HashSet<string> used = new(StringComparer.Ordinal);

    /// <summary>The tensors of the file that nothing has asked for so far, in its order.</summary>
    public IReadOnlyList<StateTensor> Unused => [.. state.Tensors.Values.Where(t => !used.Contains(t.Name))];

    /// <summary>The tensors of the file that were read.</summary>
    public IReadOnlyList<StateTensor> Used => [.. state.Tensors.Values.Where(t => used.Contains(t.Name))];

    /// <summary>Whether there is a tensor of a name.</summary>
    public bool Has(string name) => state.Contains(name);

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
        if (shape.Count != rank)
            throw Error($"the tensor '{name}' has shape [{string.Join(", ", shape)}] where {rank} dimensions are needed.");
        return shape[dimension] > 0
            ? shape[dimension]
            : throw Error($"the tensor '{name}' has shape [{string.Join(", ", shape)}], which has no elements.");
    }

    /// <summary>A tensor's elements; all of them finite.</summary>
    /// <exception cref="WeightsException">It is missing, of another shape, or has values that are no numbers.</exception>
    public float[] Read(string name, params ReadOnlySpan<int> shape)
    {
        used.Add(name);
        try
        {
            return state.Read(name, shape);
        }
        catch (WeightsException e) when (problems is not null)
        {
            problems.Add(e.Message);
            var values = new float[(int)shape.ToArray().Aggregate(1L, (a, b) => a * b)];
            values.AsSpan().Fill(1);
            return values;
        }
    }

    /// <summary>A convolution <c>name.weight</c> with <c>name.bias</c> or a batch norm of its own.</summary>
    /// <param name="name">The convolution's name.</param>
    /// <param name="inputC">Channels of its input.</param>
    /// <param name="window">Stride, padding, dilation, groups.</param>
    /// <param name="activation">What ends the layer.</param>
    /// <param name="batchNorm">The name of the batch norm that follows, or null.</param>
    /// <param name="outputC">Channels that its output must have, or null where any number will do.</param>
    /// <param name="needsBias">Whether, without a batch norm, it must have a bias; a group norm brings its own.</param>
    /// <exception cref="WeightsException">A tensor is missing, of the wrong shape, or has values that are no numbers.</exception>
    public ConvolutionLayer Convolution(
        string name, int inputC, ConvolutionWindow window, Activation activation, string? batchNorm = null, int? outputC = null,
        bool needsBias = true)
        => ReadConvolution(name, inputC, outputC ?? Size(name + ".weight", 0, 4), window, activation, batchNorm, needsBias);

    /// <summary>A convolution <c>name.0</c> with the batch norm <c>name.1</c>, or with a bias where there is none.</summary>
    public ConvolutionLayer Normalised(string name, int inputC, ConvolutionWindow window, Activation activation, int? outputC = null)
        => Convolution(name + ".0", inputC, window, activation, HasAny(name + ".1.") ? name + ".1" : null, outputC);

    private ConvolutionLayer ReadConvolution(
        string name, int inputC, int outputC, ConvolutionWindow window, Activation activation, string? batchNorm, bool needsBias)
    {
        var (kernelH, kernelW) = (Size(name + ".weight", 2, 4), Size(name + ".weight", 3, 4));
        // Every layer keeps its map's size, or divides it by its stride.
        if (kernelH != 2 * window.Padding.Y + 1 || kernelW != 2 * window.Padding.X + 1)
        {
            throw Error(
                $"the tensor '{name}.weight' has a window of {kernelH}×{kernelW} "
                + $"where {2 * window.Padding.Y + 1}×{2 * window.Padding.X + 1} is needed.");
        }
        var groupC = inputC / window.ChannelGroups;
        if (outputC % window.ChannelGroups != 0)
            throw Error($"the {outputC} outputs of '{name}.weight' can't be split into {window.ChannelGroups} groups.");
        var rows = Rows(name + ".weight", outputC, groupC, kernelH, kernelW);
        var hasBias = (batchNorm is null && needsBias) || Has(name + ".bias");
        var bias = hasBias ? Read(name + ".bias", outputC) : new float[outputC];
        var scale = batchNorm is null ? null : FoldBatchNorm(batchNorm, bias);
        var geometry = new ConvolutionGeometry(kernelH, kernelW, groupC, outputC, window);
        return new ConvolutionLayer(device, ConvolutionWeights.FromTorch(device, rows, bias, scale, geometry), activation);
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
        var rows = Rows(name + ".weight", outputC, channels * positions);
        var bias = Read(name + ".bias", outputC);
        // As a convolution with a window of all positions, and then as one value after the other.
        var window = new ConvolutionGeometry(1, positions, channels, outputC, ConvolutionWindow.Square());
        var form = ConvolutionForms.Choose(device, ConvolutionGeometry.Product(channels * positions, outputC));
        return ConvolutionWeights.FromTorch(device, rows, bias, scale: null, window, form).AsMatrix();
    }

    /// <summary>
    /// A transposed convolution of kernel 2 and stride 2, as the 1×1 convolution that gives each input pixel its four
    /// output pixels: PyTorch's [C, K, 2, 2] as [1, 1, C, 4 · K], output channels in the order (dy, dx, k).
    /// </summary>
    /// <param name="name">The layer's name.</param>
    /// <param name="inputC">Channels of its input.</param>
    /// <param name="activation">What ends the layer.</param>
    public ConvolutionLayer TransposedConvolution(string name, int inputC, Activation activation)
    {
        var outputC = Size(name + ".weight", 1, 4);
        var torch = Read(name + ".weight", inputC, outputC, 2, 2);
        var bias = Read(name + ".bias", outputC);
        var weights = new float[torch.Length];
        for (var c = 0; c < inputC; c++)
        {
            for (var i = 0; i < outputC * 4; i++)
                weights[c * 4 * outputC + i % 4 * outputC + i / 4] = torch[c * 4 * outputC + i];
        }
        var packed = ConvolutionWeights.From(
            device, weights, [.. bias, .. bias, .. bias, .. bias], ConvolutionGeometry.Product(inputC, 4 * outputC));
        return new ConvolutionLayer(device, packed, activation);
    }

    /// <summary>The γ and β of a normalisation, on the device.</summary>
    public (DeviceArray<float> Gamma, DeviceArray<float> Beta) Affine(string name, int channels)
        => (device.Upload<float>(Read(name + ".weight", channels)), device.Upload<float>(Read(name + ".bias", channels)));

    /// <summary>Reads a tensor's rows a few at a time; its shape is checked now.</summary>
    private ConvolutionWeights.TorchRows Rows(string name, params ReadOnlySpan<int> shape)
    {
        used.Add(name);
        var length = 1L;
        foreach (var extent in shape[1..])
            length *= extent;
        if (length > MostInputs)
            throw Error($"the tensor '{name}' has rows of {length} values, where {MostInputs} are the most.");
        if (problems is null && state.Expect(name, shape).CanReadParts)
            return (first, rows) => state.ReadPart(name, first * length, rows);
        var whole = Read(name, shape);
        return (first, rows) => whole.AsSpan((int)(first * length), rows.Length).CopyTo(rows);
    }

    /// <summary>The factors γ / √(var + ε); the bias becomes (bias − mean) · factor + β.</summary>
    private float[] FoldBatchNorm(string name, float[] bias)
    {
        var channels = bias.Length;
        var gamma = Read(name + ".weight", channels);
        var beta = Read(name + ".bias", channels);
        var mean = Read(name + ".running_mean", channels);
        var variance = Read(name + ".running_var", channels);
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
