using Fpn.IlGpu.Tensors;

namespace Fpn.IlGpu.Weights;

/// <summary>
/// Reads and writes safetensors files: 8 bytes with the length of the header (little-endian), the header (JSON: each
/// tensor's name with its type, shape and place), and the elements, without gaps.
/// Source: github.com/huggingface/safetensors, section "Format" of its README.
/// </summary>
public static class Safetensors
{
    /// <summary>
    /// Opens a file by mapping it into memory: elements are read when they are asked for. The file must not be
    /// changed in place until the dictionary is disposed; replacing it by another of the same name is fine.
    /// </summary>
    /// <param name="path">The file.</param>
    /// <exception cref="WeightsException">There is no such file, it can't be read, or it is not a whole and valid
    /// safetensors file.</exception>
    public static StateDictionary Open(string path)
    {
        ArgumentNullException.ThrowIfNull(path);
        return Open(MappedBytes.Open(path), path);
    }

    /// <summary>Reads a stream to its end, into memory, and leaves it open.</summary>
    /// <param name="stream">A safetensors file, from its current position to its end.</param>
    /// <param name="source">What messages call it.</param>
    /// <exception cref="WeightsException">It is not a whole and valid safetensors file, or can't be read.</exception>
    public static StateDictionary Open(Stream stream, string source)
    {
        ArgumentNullException.ThrowIfNull(stream);
        ArgumentNullException.ThrowIfNull(source);
        try
        {
            if (stream.CanSeek)
            {
                var length = stream.Length - stream.Position;
                if (length > Array.MaxLength)
                    throw new WeightsException($"{source}: {length} bytes are more than can be read from a stream.");
                var whole = GC.AllocateUninitializedArray<byte>((int)Math.Max(length, 0));
                stream.ReadExactly(whole);
                return Open(whole, source);
            }
            using var buffer = new MemoryStream();
            stream.CopyTo(buffer);
            return Open(buffer.GetBuffer().AsMemory(0, (int)buffer.Length), source);
        }
        catch (IOException e)
        {
            throw new WeightsException($"{source}: can't be read ({e.Message.TrimEnd('.')}).", e);
        }
    }

    /// <summary>Opens a file that is in memory. The memory is not copied: leave it as it is until the end.</summary>
    /// <param name="bytes">The whole file.</param>
    /// <param name="source">What messages call it.</param>
    /// <exception cref="WeightsException">It is not a whole and valid safetensors file.</exception>
    public static StateDictionary Open(ReadOnlyMemory<byte> bytes, string source)
    {
        ArgumentNullException.ThrowIfNull(source);
        return bytes.IsEmpty ? throw MappedBytes.Empty(source) : Open(new MemoryBytes(bytes), source);
    }

    /// <summary>
    /// Writes a file. It is written beside its place under a temporary name and moved there when it is whole, so
    /// that no half-written file is ever found under its name.
    /// </summary>
    /// <param name="path">The file; one that is there is replaced.</param>
    /// <param name="tensors">Name, shape and elements (row-major) of each tensor.</param>
    /// <param name="dataType">F32, F16 or BF16; elements are rounded to the nearest.</param>
    /// <param name="metadata">What the file says about itself, such as <c>fpn.config</c>.</param>
    /// <exception cref="WeightsException">It can't be written, or an element is too large for the type.</exception>
    /// <exception cref="ArgumentException">A name is there twice or reserved, or a shape doesn't fit its
    /// elements.</exception>
    public static void Write(
        string path,
        IEnumerable<(string Name, int[] Shape, float[] Values)> tensors,
        DataType dataType = DataType.F32,
        IReadOnlyDictionary<string, string>? metadata = null)
    {
        ArgumentNullException.ThrowIfNull(tensors);
        Write(path, tensors.Select(t => StateTensor.FromValues(t.Name, t.Shape, t.Values)), dataType, metadata);
    }

    /// <summary>As above, of tensors of any source: each is read only when its turn comes.</summary>
    /// <param name="path">The file; one that is there is replaced.</param>
    /// <param name="tensors">The tensors; all are written as <paramref name="dataType"/>.</param>
    /// <param name="dataType">F32, F16 or BF16; elements are rounded to the nearest.</param>
    /// <param name="metadata">What the file says about itself, such as <c>fpn.config</c>.</param>
    /// <exception cref="WeightsException">It can't be written, a tensor can't be read, or an element is too large for
    /// the type.</exception>
    /// <exception cref="ArgumentException">A name is there twice or reserved.</exception>
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

    /// <summary>Opens a file that is mapped or in memory, and owns it from then on.</summary>
    /// <exception cref="WeightsException">It is not a whole and valid safetensors file.</exception>
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
