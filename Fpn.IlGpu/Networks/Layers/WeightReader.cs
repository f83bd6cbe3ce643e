using System.Globalization;
using Fpn.IlGpu.Kernels;
using Fpn.IlGpu.Tensors;

namespace Fpn.IlGpu.Networks;

/// <summary>
/// Reads the tensors of a state dict: their shapes, which tell the sizes of a network's layers, and their values. It also folds batch
/// norms, each of which is a factor and an offset per channel at inference:
/// <code>y = (x − mean) · γ / √(var + ε) + β</code>
/// </summary>
/// <param name="state">The state dict to read from.</param>
/// <param name="batchNormEpsilon">The ε of batch norms.</param>
/// <param name="problems">
/// Collects the faults of tensors, instead of exceptions, for as long as reading can continue; null to throw at the first fault.
/// </param>
internal sealed class WeightReader(StateDictionary state, float batchNormEpsilon, List<string>? problems = null)
{
    // Keeps the size of a block of output channels, packed for a tile, within an int.
    private const int MostInputs = 1 << 24;

    private readonly HashSet<string> used = new(StringComparer.Ordinal);

    /// <summary>The ε of batch norms.</summary>
    public float BatchNormEpsilon => batchNormEpsilon;

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

    /// <summary>The number of output channels of a convolution or a fully connected layer.</summary>
    /// <param name="name">The layer's name.</param>
    /// <param name="rank">4 for a convolution, 2 for a fully connected layer.</param>
    public int OutputC(string name, int rank = 4) => Size(name + ".weight", 0, rank);

    /// <summary>The output channels of the convolutions <c>prefix0.0</c>, <c>prefix1.0</c>, …; at least one is required.</summary>
    public int[] OutputsOfSequence(string prefix)
        => [.. Enumerable.Range(0, Math.Max(1, Count(prefix))).Select(i => OutputC($"{prefix}{i}.0"))];

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

    /// <summary>Checks a tensor's shape, and returns a function that reads its rows a few at a time.</summary>
    public ConvolutionWeights.TorchRows Rows(string name, params ReadOnlySpan<int> shape)
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
    /// <param name="name">The prefix of the batch norm's tensors' names.</param>
    /// <param name="bias">The bias of the layer before it, [K].</param>
    /// <exception cref="WeightsException">A tensor is missing or has the wrong shape, or a factor is not finite.</exception>
    public float[] FoldBatchNorm(string name, float[] bias)
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
