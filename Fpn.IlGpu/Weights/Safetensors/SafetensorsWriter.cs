using System.Buffers;
using System.Buffers.Binary;
using System.Collections.ObjectModel;
using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using Fpn.IlGpu.Files;
using Fpn.IlGpu.Tensors;

namespace Fpn.IlGpu.Weights;

/// <summary>Lays out and writes one safetensors file, in the format that <see cref="Safetensors"/> documents.</summary>
internal static class SafetensorsWriter
{
    private const int HeaderAlignment = 8;

    /// <param name="path">The file; it exists only once it is complete.</param>
    /// <param name="tensors">The tensors; all are written as <paramref name="type"/>.</param>
    /// <param name="type">F32, F16 or BF16.</param>
    /// <param name="metadata">The file's metadata; null for none.</param>
    /// <param name="verify">Called with the complete file under its temporary name; if it throws, the write is undone.</param>
    public static void Write(
        string path, StateTensor[] tensors, DataType type, IReadOnlyDictionary<string, string>? metadata, Action<string>? verify = null)
    {
        var header = Header(tensors, type, metadata);
        try
        {
            UnfinishedFile.Clean(Path.GetDirectoryName(Path.GetFullPath(path))!);
            using var file = UnfinishedFile.Create(path);
            var checksum = Write(file.Stream, header, tensors, type, metadata, path);
            file.Stream.Position = sizeof(ulong) + header.AsSpan().IndexOf(Encoding.UTF8.GetBytes(SafetensorsChecksum.Blank));
            file.Stream.Write(Encoding.UTF8.GetBytes(checksum.ToString()));
            file.Flush();
            verify?.Invoke(file.TemporaryPath);
            file.Complete();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new WeightsException($"{path}: can't be written ({e.Message.TrimEnd('.')}).", e);
        }
    }

    /// <summary>Writes to a stream, which stays open.</summary>
    /// <param name="stream">Receives the file; it need not be seekable.</param>
    /// <param name="tensors">The tensors; all are written as <paramref name="type"/>.</param>
    /// <param name="type">F32, F16 or BF16.</param>
    /// <param name="metadata">The file's metadata; null for none.</param>
    public static void Write(Stream stream, StateTensor[] tensors, DataType type, IReadOnlyDictionary<string, string>? metadata)
    {
        const string source = "The stream";
        try
        {
            // The checksum is in the header, so everything is converted twice.
            var header = Header(tensors, type, metadata);
            var checksum = Write(Stream.Null, header, tensors, type, metadata, source);
            var at = header.AsSpan().IndexOf(Encoding.UTF8.GetBytes(SafetensorsChecksum.Blank));
            Encoding.UTF8.GetBytes(checksum.ToString()).CopyTo(header, at);
            Write(stream, header, tensors, type, metadata, source);
        }
        catch (IOException e)
        {
            throw new WeightsException($"{source}: can't be written ({e.Message.TrimEnd('.')}).", e);
        }
    }

    private static SafetensorsChecksum Write(
        Stream stream, byte[] header, StateTensor[] tensors, DataType type, IReadOnlyDictionary<string, string>? metadata, string source)
    {
        Span<byte> length = stackalloc byte[sizeof(ulong)];
        BinaryPrimitives.WriteUInt64LittleEndian(length, (ulong)header.Length);
        stream.Write(length);
        stream.Write(header);
        var checksum = new SafetensorsChecksum();
        checksum.AddMetadata(metadata ?? ReadOnlyDictionary<string, string>.Empty);
        foreach (var tensor in tensors)
            checksum.AddTensor(tensor.Name, WriteElements(stream, tensor, type, source));
        return checksum;
    }

    private static byte[] Header(
        StateTensor[] tensors, DataType type, IReadOnlyDictionary<string, string>? metadata)
    {
        var buffer = new ArrayBufferWriter<byte>();
        // Keeps names such as 'layer1.0.conv1+bias' readable: nothing here is shown by a browser.
        var options = new JsonWriterOptions { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };
        var names = new HashSet<string>(StringComparer.Ordinal) { "__metadata__" };
        using (var json = new Utf8JsonWriter(buffer, options))
        {
            json.WriteStartObject();
            json.WriteStartObject("__metadata__");
            // First, so that nothing before it can look like it.
            json.WriteString(SafetensorsChecksum.MetadataKey, SafetensorsChecksum.Blank);
            foreach ((var key, var value) in metadata ?? ReadOnlyDictionary<string, string>.Empty)
            {
                if (key != SafetensorsChecksum.MetadataKey)
                    json.WriteString(key, value);
            }
            json.WriteEndObject();
            long offset = 0;
            foreach (var tensor in tensors)
            {
                if (!names.Add(tensor.Name))
                {
                    throw new ArgumentException(
                        $"The name '{tensor.Name}' is duplicate or reserved.", nameof(tensors));
                }

                json.WriteStartObject(tensor.Name);
                json.WriteString("dtype", type.ToString());
                json.WriteStartArray("shape");
                foreach (var extent in tensor.Shape)
                    json.WriteNumberValue(extent);
                json.WriteEndArray();
                json.WriteStartArray("data_offsets");
                json.WriteNumberValue(offset);
                json.WriteNumberValue(offset += tensor.Count * type.Bytes());
                json.WriteEndArray();
                json.WriteEndObject();
            }
            json.WriteEndObject();
        }
        // Trailing spaces align the elements to 8 bytes, so that other readers can map them directly.
        var padded = (buffer.WrittenCount + HeaderAlignment - 1) / HeaderAlignment * HeaderAlignment;
        var header = new byte[padded];
        header.AsSpan().Fill((byte)' ');
        buffer.WrittenSpan.CopyTo(header);
        return header;
    }

    /// <summary>Writes a tensor's elements, little-endian.</summary>
    /// <returns>The hash of the tensor.</returns>
    /// <exception cref="WeightsException">An element is too large for the type.</exception>
    public static byte[] WriteElements(Stream stream, StateTensor tensor, DataType type, string path)
    {
        const int mostAtOnce = 1 << 20;
        using var hash = SafetensorsChecksum.Begin(type, tensor.Shape);
        var values = tensor.ToArray();
        var bytes = new byte[Math.Min(values.Length, mostAtOnce) * type.Bytes()];
        for (var begin = 0; begin < values.Length; begin += mostAtOnce)
        {
            ReadOnlySpan<float> part = values.AsSpan(begin, Math.Min(mostAtOnce, values.Length - begin));
            var encoded = bytes.AsSpan(0, part.Length * type.Bytes());
            FloatConversion.FromFloat(part, type, encoded);
            if (type != DataType.F32)
                RefuseOverflow(part, encoded, tensor, type, path);
            stream.Write(encoded);
            hash.AppendData(encoded);
        }
        return hash.GetHashAndReset();
    }

    /// <summary>The largest F16 number is 65504: without this check a larger weight would silently become infinite.</summary>
    private static void RefuseOverflow(
        ReadOnlySpan<float> values, ReadOnlySpan<byte> encoded, StateTensor tensor, DataType type, string path)
    {
        var rounded = new float[values.Length];
        FloatConversion.ToFloat(encoded, type, rounded);
        if (FloatConversion.IndexOfNonFinite(rounded) < 0)
            return;
        for (var i = 0; i < values.Length; i++)
        {
            if (float.IsFinite(values[i]) && !float.IsFinite(rounded[i]))
            {
                throw new WeightsException(
                    $"{path}: the tensor {WeightsException.Quote(tensor.Name)} holds " +
                    $"{values[i].ToString(CultureInfo.InvariantCulture)}, too large for {type}.");
            }
        }
    }
}
