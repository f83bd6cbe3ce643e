using Fpn.IlGpu.Tensors;

namespace Fpn.IlGpu.Weights;

/// <summary>
/// Reads and writes safetensors files: 8 bytes with the length of the header (little-endian), the header (JSON: each tensor's
/// name with its type, shape and position), and the elements, without gaps. Source: github.com/huggingface/safetensors, section
/// "Format" of its README.
/// </summary>
internal static class Safetensors
{
    /// <summary>
    /// Opens a file by mapping it into memory; elements are read on demand. The file must not be changed in place until the
    /// dictionary is disposed; replacing it with another file of the same name is fine.
    /// </summary>
    /// <param name="path">The file.</param>
    /// <exception cref="WeightsException">The file is missing, unreadable, truncated or invalid.</exception>
    public static StateDictionary Open(string path)
    {
        ArgumentNullException.ThrowIfNull(path);
        return Open(MappedBytes.Open(path), path);
    }

    /// <summary>Reads a stream to its end into memory, and leaves it open.</summary>
    /// <param name="stream">A safetensors file, from its current position to its end.</param>
    /// <param name="source">The file's name in messages.</param>
    /// <exception cref="WeightsException">The file is truncated, invalid or unreadable.</exception>
    public static StateDictionary Open(Stream stream, string source)
    {
        ArgumentNullException.ThrowIfNull(stream);
        ArgumentNullException.ThrowIfNull(source);
        return Open(StreamBytes.ReadAll(stream, source), source);
    }

    /// <summary>
    /// Opens a file that is in memory. The memory is not copied; don't change it until the dictionary is disposed.
    /// </summary>
    /// <param name="bytes">The whole file.</param>
    /// <param name="source">The file's name in messages.</param>
    /// <exception cref="WeightsException">The file is truncated or invalid.</exception>
    public static StateDictionary Open(ReadOnlyMemory<byte> bytes, string source)
    {
        ArgumentNullException.ThrowIfNull(source);
        return bytes.IsEmpty ? throw MappedBytes.Empty(source) : Open(new MemoryBytes(bytes), source);
    }

    /// <summary>
    /// Writes a file under a temporary name in the same folder, and moves it to its place once it is complete, so that a
    /// half-written file never appears under its name.
    /// </summary>
    /// <param name="path">The file to write; an existing one is replaced.</param>
    /// <param name="tensors">Name, shape and elements (row-major) of each tensor.</param>
    /// <param name="dataType">F32, F16 or BF16; elements are rounded to nearest.</param>
    /// <param name="metadata">The file's metadata, such as <c>fpn.config</c>; null for none.</param>
    /// <exception cref="WeightsException">The file can't be written, or an element is too large for the type.</exception>
    /// <exception cref="ArgumentException">A name is duplicate or reserved, or a shape doesn't match its elements.</exception>
    public static void Write(
        string path,
        IEnumerable<(string Name, int[] Shape, float[] Values)> tensors,
        DataType dataType = DataType.F32,
        IReadOnlyDictionary<string, string>? metadata = null)
    {
        ArgumentNullException.ThrowIfNull(tensors);
        Write(path, tensors.Select(t => StateTensor.FromValues(t.Name, t.Shape, t.Values)), dataType, metadata);
    }

    /// <summary>As above, for tensors from any source; each is read only when it is written.</summary>
    /// <param name="path">The file to write; an existing one is replaced.</param>
    /// <param name="tensors">The tensors; all are written as <paramref name="dataType"/>.</param>
    /// <param name="dataType">F32, F16 or BF16; elements are rounded to nearest.</param>
    /// <param name="metadata">The file's metadata, such as <c>fpn.config</c>; null for none.</param>
    /// <exception cref="WeightsException">
    /// The file can't be written, a tensor can't be read, or an element is too large for the type.
    /// </exception>
    /// <exception cref="ArgumentException">A name is duplicate or reserved.</exception>
    public static void Write(
        string path,
        IEnumerable<StateTensor> tensors,
        DataType dataType = DataType.F32,
        IReadOnlyDictionary<string, string>? metadata = null)
    {
        ArgumentNullException.ThrowIfNull(path);
        ArgumentNullException.ThrowIfNull(tensors);
        if (dataType is not (DataType.F32 or DataType.F16 or DataType.BF16))
            throw new ArgumentOutOfRangeException(nameof(dataType), dataType, "Weights are F32, F16 or BF16.");
        SafetensorsWriter.Write(path, [.. tensors], dataType, metadata);
    }

    /// <summary>Opens a file that is mapped or in memory, and takes ownership of it.</summary>
    /// <exception cref="WeightsException">The file is truncated or invalid.</exception>
    internal static StateDictionary Open(TensorBytes bytes, string source)
    {
        try
        {
            return new SafetensorsHeader(bytes, source).Read();
        }
        catch
        {
            bytes.Dispose();
            throw;
        }
    }
}
