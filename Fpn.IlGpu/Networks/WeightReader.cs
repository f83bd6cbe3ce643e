using System.Globalization;
using Fpn.IlGpu.Kernels;
using Fpn.IlGpu.Runtime;
using Fpn.IlGpu.Tensors;

namespace Fpn.IlGpu.Networks;

/// <summary>
/// Turns named tensors, as PyTorch stores them, into layers: transposes [K, C, kh, kw] to [kh, kw, C, K] and folds batch norms, each
/// of which is a factor and an offset per channel at inference:
/// <code>y = (x − mean) · γ / √(var + ε) + β</code>
/// Sizes come from the tensors' shapes where possible; otherwise the shapes are checked against the preceding layers.
/// </summary>
/// <param name="device">The device that holds the layers.</param>
/// <param name="state">The state dict to read from.</param>
/// <param name="batchNormEpsilon">The ε of batch norms.</param>
/// <param name="problems">
/// Collects the faults of tensors, instead of exceptions, for as long as reading can continue; null to throw at the first fault.
/// </param>
internal sealed class WeightReader(Device device, StateDictionary state, float batchNormEpsilon, List<string>? problems = null)
{
    // Keeps the size of a block of output channels, packed for a tile, within an int.
    private const int MostInputs = 1 << 24;

    private readonly HashSet<string> used = new(StringComparer.Ordinal);

    /// <summary>The tensors that have not been read so far, in the order of the file.</summary>
    public IReadOnlyList<StateTensor> Unused => [.. state.Tensors.Values.Where(t => !used.Contains(t.Name))];

    /// <summary>The tensors that have been read, in the order of the file.</summary>
    public IReadOnlyList<StateTensor> Used => [.. state.Tensors.Values.Where(t => used.Contains(t.Name))];

    /// <summary>Whether the file has a tensor of the given name.</summary>
    public bool Has(string name) => state.Contains(name);

    /// <summary>
    /// The number of parts <c>prefix0</c>, <c>prefix1</c>, …: one more than the highest number in any tensor's name. A gap is
    /// therefore reported as a missing tensor, and does not silently make the network smaller.
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

    /// <summary>Whether any tensor's name begins with the given prefix.</summary>
    public bool HasAny(string prefix) => state.Tensors.Keys.Any(name => name.StartsWith(prefix, StringComparison.Ordinal));

    /// <summary>Returns an exception whose message names the file.</summary>
    public WeightsException Error(string message) => new($"{state.Source}: {message}");

    /// <summary>The size of one dimension of a tensor of the given rank.</summary>
    /// <exception cref="WeightsException">The tensor is missing, has another rank, or the size of the dimension is 0.</exception>
    public int Size(string name, int dimension, int rank)
    {
        var shape = state[name].Shape;
        if (shape.Count != rank)
            throw Error($"the tensor '{name}' has shape [{string.Join(", ", shape)}] where {rank} dimensions are needed.");
        return shape[dimension] > 0
            ? shape[dimension]
            : throw Error($"the tensor '{name}' has shape [{string.Join(", ", shape)}], which has no elements.");
    }

    /// <summary>Reads a tensor's elements, all of which must be finite.</summary>
    /// <exception cref="WeightsException">The tensor is missing, has another shape, or has values that are not finite.</exception>
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

    /// <summary>Reads a convolution <c>name.weight</c> with <c>name.bias</c> or a batch norm.</summary>
    /// <param name="name">The convolution's name.</param>
    /// <param name="inputC">Channels of its input.</param>
    /// <param name="window">Stride, padding, dilation, groups.</param>
    /// <param name="activation">The activation at the end of the layer.</param>
    /// <param name="batchNorm">The name of the batch norm that follows, or null.</param>
    /// <param name="outputC">The required number of output channels, or null for any number.</param>
    /// <param name="needsBias">Whether a bias is required if there is no batch norm; not if a group norm follows, which adds β.</param>
    /// <exception cref="WeightsException">A tensor is missing, has the wrong shape, or has values that are not finite.</exception>
    public ConvolutionLayer Convolution(
        string name, int inputC, ConvolutionWindow window, Activation activation, string? batchNorm = null, int? outputC = null,
        bool needsBias = true)
        => ReadConvolution(name, inputC, outputC ?? Size(name + ".weight", 0, 4), window, activation, batchNorm, needsBias);

    /// <summary>Reads a convolution <c>name.0</c> with the batch norm <c>name.1</c>, or with a bias if there is no batch norm.</summary>
    public ConvolutionLayer Normalised(string name, int inputC, ConvolutionWindow window, Activation activation, int? outputC = null)
        => Convolution(name + ".0", inputC, window, activation, HasAny(name + ".1.") ? name + ".1" : null, outputC);

    private ConvolutionLayer ReadConvolution(
        string name, int inputC, int outputC, ConvolutionWindow window, Activation activation, string? batchNorm, bool needsBias)
    {
        var (kernelH, kernelW) = (Size(name + ".weight", 2, 4), Size(name + ".weight", 3, 4));
        // The padding must keep the size of the map, apart from the stride.
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
    /// Reads a fully connected layer whose input features PyTorch flattens from [C, positions] and this library from [positions, C].
    /// </summary>
    /// <param name="name">The layer's name.</param>
    /// <param name="channels">Channels of the features, C.</param>
    /// <param name="positions">The number of positions: bins · bins, or 1.</param>
    public ConvolutionWeights FullyConnected(string name, int channels, int positions = 1)
    {
        var outputC = Size(name + ".weight", 0, 2);
        var rows = Rows(name + ".weight", outputC, channels * positions);
        var bias = Read(name + ".bias", outputC);
        // Pack the weights as a convolution whose window covers all positions; AsMatrix then treats the input as a flat vector.
        var window = new ConvolutionGeometry(1, positions, channels, outputC, ConvolutionWindow.Square());
        var form = ConvolutionForms.Choose(device, ConvolutionGeometry.Product(channels * positions, outputC));
        return ConvolutionWeights.FromTorch(device, rows, bias, scale: null, window, form).AsMatrix();
    }

    /// <summary>
    /// Reads a transposed convolution of kernel 2 and stride 2 as the 1×1 convolution from each input pixel to its four output pixels:
    /// PyTorch's [C, K, 2, 2] becomes [1, 1, C, 4 · K], with output channels in the order (dy, dx, k).
    /// </summary>
    /// <param name="name">The layer's name.</param>
    /// <param name="inputC">Channels of its input.</param>
    /// <param name="activation">The activation at the end of the layer.</param>
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

    /// <summary>Copies the γ and β of a normalisation to the device.</summary>
    public (DeviceArray<float> Gamma, DeviceArray<float> Beta) Affine(string name, int channels)
        => (device.Upload<float>(Read(name + ".weight", channels)), device.Upload<float>(Read(name + ".bias", channels)));

    /// <summary>Checks a tensor's shape, and returns a function that reads its rows a few at a time.</summary>
    private ConvolutionWeights.TorchRows Rows(string name, params ReadOnlySpan<int> shape)
    {
        used.Add(name);
        var length = 1L;
        foreach (var extent in shape[1..])
            length *= extent;
        if (length > MostInputs)
            throw Error($"the tensor '{name}' has rows of {length} values, but at most {MostInputs} are supported.");
        if (problems is null && state.Expect(name, shape).CanReadParts)
            return (first, rows) => state.ReadPart(name, first * length, rows);
        var whole = Read(name, shape);
        return (first, rows) => whole.AsSpan((int)(first * length), rows.Length).CopyTo(rows);
    }

    /// <summary>Returns the factors γ / √(var + ε), and replaces the bias by (bias − mean) · factor + β.</summary>
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
                throw Error($"the tensor '{name}.running_var' has {variance[k]} at [{k}], which gives no finite scale.");
            bias[k] = (bias[k] - mean[k]) * scale[k] + beta[k];
        }
        return scale;
    }
}
