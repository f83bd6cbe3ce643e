using System.Collections.ObjectModel;
using System.Diagnostics.CodeAnalysis;

namespace Fpn.IlGpu.Tensors;

/// <summary>
/// The named tensors of one weights file. They are read on demand, so that opening is fast and a file is never in memory twice.
/// Names are case-sensitive. Safe to read from several threads. Dispose it when the weights are on the device.
/// </summary>
[SuppressMessage("Naming", "CA1711", Justification = "The established name: PyTorch's state_dict.")]
public sealed class StateDictionary : IDisposable
{
    private readonly IDisposable? storage;

    /// <summary>Creates a dictionary of tensors.</summary>
    /// <param name="source">The file's name in messages.</param>
    /// <param name="tensors">The tensors.</param>
    /// <param name="metadata">The file's metadata; null for none.</param>
    /// <param name="storage">The owner of the tensors' elements, which is disposed with the dictionary; null for none.</param>
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
                    $"{source}: the tensor {WeightsException.Quote(tensor.Name)} appears twice.");
            }
        }

        Tensors = byName.AsReadOnly();
    }

    /// <summary>The name of the tensors' file in messages.</summary>
    public string Source { get; }

    /// <summary>
    /// The kind of file: "safetensors", "sharded safetensors", "PyTorch zip", "PyTorch legacy", "pickle" or "ONNX"; "memory" for a
    /// dictionary that no file reader created.
    /// </summary>
    public string Format { get; init; } = "memory";

    /// <summary>All tensors by name, in file order.</summary>
    public IReadOnlyDictionary<string, StateTensor> Tensors { get; }

    /// <summary>The file's metadata, including <c>fpn.config</c>; empty if the file has none.</summary>
    public IReadOnlyDictionary<string, string> Metadata { get; }

    /// <summary>The tensor with this name.</summary>
    /// <exception cref="WeightsException">There is no such tensor.</exception>
    public StateTensor this[string name] => Tensors.TryGetValue(name, out var tensor)
        ? tensor
        : throw new WeightsException($"{Source}: the tensor {WeightsException.Quote(name)} is missing.");

    /// <summary>Whether there is a tensor with this name.</summary>
    public bool Contains(string name) => Tensors.ContainsKey(name);

    /// <summary>Reads the elements of a tensor as float, in row-major order. All of them must be finite.</summary>
    /// <param name="name">The tensor.</param>
    /// <param name="expectedShape">The required shape; empty for a scalar.</param>
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

    /// <summary>As <see cref="Read"/>, into the caller's memory.</summary>
    /// <param name="name">The tensor.</param>
    /// <param name="values">Receives the elements; must have exactly as many as the tensor.</param>
    /// <param name="expectedShape">The required shape; empty for a scalar.</param>
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

    /// <summary>Reads some elements of a tensor as float, in row-major order. All of them must be finite.</summary>
    /// <param name="name">The tensor.</param>
    /// <param name="first">The index of the first element.</param>
    /// <param name="values">Receives the elements, as many as it has room for.</param>
    /// <exception cref="WeightsException">The tensor is missing, or an element is NaN or infinity.</exception>
    internal void ReadPart(string name, long first, Span<float> values)
    {
        var tensor = this[name];
        tensor.ReadTo(values, first);
        RefuseNonFinite(tensor, values, first);
    }

    /// <summary>Releases the file. Tensors can't be read any more.</summary>
    public void Dispose() => storage?.Dispose();

    internal StateTensor Expect(string name, ReadOnlySpan<int> expectedShape)
    {
        var tensor = this[name];
        return tensor.HasShape(expectedShape)
            ? tensor
            : throw new WeightsException(
                $"{Source}: the tensor {WeightsException.Quote(name)} has the shape {tensor.ShowShape()} " +
                $"instead of {StateTensor.Show(expectedShape)}.");
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
