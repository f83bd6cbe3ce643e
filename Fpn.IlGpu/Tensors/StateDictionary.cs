using System.Collections.ObjectModel;
using System.Diagnostics.CodeAnalysis;

namespace Fpn.IlGpu.Tensors;

/// <summary>
/// The named tensors of one weights file. They are read only when asked for, so that opening is quick and a file is
/// never held twice in memory. Names are case-sensitive. Safe to read from several threads; dispose it when the
/// weights are on the device.
/// </summary>
[SuppressMessage("Naming", "CA1711", Justification = "The field's name for it: PyTorch's state_dict.")]
public sealed class StateDictionary : IDisposable
{
    private readonly IDisposable? storage;

    /// <summary>A dictionary over these tensors.</summary>
    /// <param name="source">The file, as messages name it.</param>
    /// <param name="tensors">The tensors.</param>
    /// <param name="metadata">What the file says about itself; null for nothing.</param>
    /// <param name="storage">What keeps the tensors' elements alive: disposed with the dictionary.</param>
    /// <exception cref="WeightsException">Two tensors have the same name.</exception>
    public StateDictionary(
        string source,
        IEnumerable<StateTensor> tensors,
        IReadOnlyDictionary<string, string>? metadata = null,
        IDisposable? storage = null)
    {
        ArgumentNullException.ThrowIfNull(source);
        ArgumentNullException.ThrowIfNull(tensors);
        Source = source;
        this.storage = storage;
        Metadata = metadata ?? ReadOnlyDictionary<string, string>.Empty;
        var byName = new Dictionary<string, StateTensor>(StringComparer.Ordinal);
        foreach (var tensor in tensors)
        {
            if (!byName.TryAdd(tensor.Name, tensor))
            {
                throw new WeightsException(
                    $"{source}: the tensor {WeightsException.Quote(tensor.Name)} is there twice.");
            }
        }

        Tensors = byName.AsReadOnly();
    }

    /// <summary>The file that the tensors come from, as messages name it.</summary>
    public string Source { get; }

    /// <summary>
    /// The kind of file: "safetensors", "sharded safetensors", "PyTorch zip", "PyTorch legacy" or "pickle"; "memory" for
    /// a dictionary that no reader made.
    /// </summary>
    public string Format { get; init; } = "memory";

    /// <summary>All tensors by name, in the order of the file.</summary>
    public IReadOnlyDictionary<string, StateTensor> Tensors { get; }

    /// <summary>What the file says about itself, <c>fpn.config</c> among it; empty where it says nothing.</summary>
    public IReadOnlyDictionary<string, string> Metadata { get; }

    /// <summary>The tensor of this name.</summary>
    /// <exception cref="WeightsException">There is none.</exception>
    public StateTensor this[string name] => Tensors.TryGetValue(name, out var tensor)
        ? tensor
        : throw new WeightsException($"{Source}: the tensor {WeightsException.Quote(name)} is missing.");

    /// <summary>Whether there is a tensor of this name.</summary>
    public bool Contains(string name) => Tensors.ContainsKey(name);

    /// <summary>The elements of a tensor as float, in row-major order; all of them finite.</summary>
    /// <param name="name">The tensor.</param>
    /// <param name="expectedShape">The shape that it must have; nothing for a scalar.</param>
    /// <exception cref="WeightsException">The tensor is missing, has another shape, or holds NaN or
    /// infinity.</exception>
    /// <exception cref="ObjectDisposedException">The dictionary is disposed.</exception>
    public float[] Read(string name, params ReadOnlySpan<int> expectedShape)
    {
        var tensor = Expect(name, expectedShape);
        var values = tensor.ToArray();
        RefuseNonFinite(tensor, values);
        return values;
    }

    /// <summary>As <see cref="Read"/>, into memory of the caller's.</summary>
    /// <param name="name">The tensor.</param>
    /// <param name="values">Takes exactly as many elements as the shape has.</param>
    /// <param name="expectedShape">The shape that it must have; nothing for a scalar.</param>
    /// <exception cref="WeightsException">The tensor is missing, has another shape, or holds NaN or
    /// infinity.</exception>
    /// <exception cref="ArgumentException"><paramref name="values"/> has another length.</exception>
    /// <exception cref="ObjectDisposedException">The dictionary is disposed.</exception>
    public void ReadTo(string name, Span<float> values, params ReadOnlySpan<int> expectedShape)
    {
        var tensor = Expect(name, expectedShape);
        tensor.ReadTo(values);
        RefuseNonFinite(tensor, values);
    }

    /// <summary>Some elements of a tensor as float, in row-major order; all of them finite.</summary>
    /// <param name="name">The tensor.</param>
    /// <param name="first">The first of them.</param>
    /// <param name="values">Takes as many as it has room for.</param>
    /// <exception cref="WeightsException">The tensor is missing, or they are not all numbers.</exception>
    internal void ReadPart(string name, long first, Span<float> values)
    {
        var tensor = this[name];
        tensor.ReadTo(values, first);
        RefuseNonFinite(tensor, values, first);
    }

    /// <summary>Lets go of the file. Tensors can't be read any more.</summary>
    public void Dispose() => storage?.Dispose();

    internal StateTensor Expect(string name, ReadOnlySpan<int> expectedShape)
    {
        var tensor = this[name];
        return tensor.HasShape(expectedShape)
            ? tensor
            : throw new WeightsException(
                $"{Source}: the tensor {WeightsException.Quote(name)} has the shape {tensor.ShowShape()}, " +
                $"where {StateTensor.Show(expectedShape)} is needed.");
    }

    private void RefuseNonFinite(StateTensor tensor, ReadOnlySpan<float> values, long first = 0)
    {
        var at = FloatConversion.IndexOfNonFinite(values);
        if (at < 0)
            return;
        var what = float.IsNaN(values[at]) ? "NaN" : "infinity";
        throw new WeightsException(
            $"{Source}: the tensor {WeightsException.Quote(tensor.Name)} holds {what} at element {first + at} " +
            $"of {tensor.Count}.");
    }
}
