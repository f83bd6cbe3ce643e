using System.Buffers.Binary;
using System.Text.Json;
using Fpn.IlGpu.Tensors;

namespace Fpn.IlGpu.Weights;

/// <summary>
/// Reads the header of a safetensors file and checks it against the specification: known types, shapes that match their bytes,
/// and tensors that cover the data exactly, without overlaps or gaps.
/// </summary>
internal sealed class SafetensorsHeader(TensorBytes file, string source)
{
    /// <summary>The largest header that is accepted, in bytes.</summary>
    public const int LongestHeader = 1 << 24;

    private const int MostTensors = 20_000;

    private const int LengthBytes = 8;
    private const int MostAxes = 32;

    private readonly List<Entry> entries = [];
    private readonly Dictionary<string, string> metadata = new(StringComparer.Ordinal);

    private readonly record struct Entry(string Name, DataType Type, int[] Shape, long Begin, long End);

    /// <summary>Reads the file's tensors.</summary>
    /// <exception cref="WeightsException">The file is truncated or invalid.</exception>
    public StateDictionary Read()
    {
        var header = HeaderBytes();
        try
        {
            Parse(header);
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            // The reader throws InvalidOperationException for text that is not valid UTF-8.
            throw Wrong($"the header is not valid JSON ({Shorten(e.Message)})", e);
        }
        long dataBegin = LengthBytes + header.Length;
        CheckCoverage(file.Length - dataBegin);
        CheckContent(dataBegin);
        return new StateDictionary(
            source,
            entries.Select(e => new BytesTensor(e.Name, e.Shape, e.Type, file, dataBegin + e.Begin)),
            metadata.AsReadOnly(),
            file)
        {
            Format = "safetensors",
        };
    }

    private byte[] HeaderBytes()
    {
        if (file.Length < LengthBytes)
            throw Wrong($"the file is cut short: it has {file.Length} bytes, but its header's length takes {LengthBytes}");
        var length = BinaryPrimitives.ReadUInt64LittleEndian(file.Copy(0, LengthBytes));
        if (length > LongestHeader)
        {
            throw Wrong(
                $"the file is not a safetensors file: it claims a header of {length} bytes; the limit is {LongestHeader}");
        }

        if (length > (ulong)(file.Length - LengthBytes))
        {
            throw Wrong(
                $"the file is cut short: it claims a header of {length} bytes, but only {file.Length - LengthBytes} follow");
        }

        var header = file.Copy(LengthBytes, (int)length);
        if (header.Length == 0 || header[0] != (byte)'{')
            throw Wrong("the file is not a safetensors file: its header does not begin with '{'");
        return header;
    }

    private void Parse(byte[] header)
    {
        var json = new Utf8JsonReader(header, new JsonReaderOptions { MaxDepth = 8 });
        json.Read();
        var names = new HashSet<string>(StringComparer.Ordinal);
        while (NextName(ref json, out var name))
        {
            if (!names.Add(name))
                throw Wrong($"the tensor {WeightsException.Quote(name)} is in the header twice");
            if (name == "__metadata__")
                ParseMetadata(ref json);
            else
                entries.Add(ParseTensor(ref json, name));
            if (entries.Count > MostTensors)
                throw Wrong($"the header names more than {MostTensors} tensors");
        }
        // Only white space may follow: the reader throws at anything else.
        json.Read();
    }

    /// <summary>Moves to the next key of the object; false at its end.</summary>
    private static bool NextName(ref Utf8JsonReader json, out string name)
    {
        json.Read();
        name = json.TokenType == JsonTokenType.PropertyName ? json.GetString()! : "";
        return json.TokenType == JsonTokenType.PropertyName;
    }

    private void ParseMetadata(ref Utf8JsonReader json)
    {
        json.Read();
        if (json.TokenType != JsonTokenType.StartObject)
            throw Wrong("the header's __metadata__ is not an object");
        while (NextName(ref json, out var key))
        {
            json.Read();
            if (json.TokenType != JsonTokenType.String)
                throw Wrong($"the metadata key {WeightsException.Quote(key)} has a value that is not a string");
            if (!metadata.TryAdd(key, json.GetString()!))
                throw Wrong($"the metadata key {WeightsException.Quote(key)} appears twice");
        }
    }

    private Entry ParseTensor(ref Utf8JsonReader json, string name)
    {
        json.Read();
        if (json.TokenType != JsonTokenType.StartObject)
            throw WrongTensor(name, "is not described by an object");
        DataType? type = null;
        List<long>? shape = null, offsets = null;
        while (NextName(ref json, out var key))
        {
            json.Read();
            var repeated = key switch
            {
                "dtype" => type is not null,
                "shape" => shape is not null,
                "data_offsets" => offsets is not null,
                _ => false,
            };
            if (repeated)
                throw WrongTensor(name, $"has its {key} twice");
            switch (key)
            {
                case "dtype":
                    type = ParseType(ref json, name);
                    break;
                case "shape":
                    shape = ParseNumbers(ref json, name, key, MostAxes);
                    break;
                case "data_offsets":
                    offsets = ParseNumbers(ref json, name, key, 2);
                    break;
                default:
                    json.Skip();
                    break;
            }
        }
        if (type is null)
            throw WrongTensor(name, "has no dtype");
        if (shape is null)
            throw WrongTensor(name, "has no shape");
        if (offsets is not [long begin, long end])
            throw WrongTensor(name, "does not have two data_offsets");
        return CheckSize(name, type.Value, shape, begin, end);
    }

    private DataType ParseType(ref Utf8JsonReader json, string name)
    {
        if (json.TokenType != JsonTokenType.String)
            throw WrongTensor(name, "has a dtype that is not a string");
        var text = json.GetString()!;
        return text switch
        {
            "F32" => DataType.F32,
            "F16" => DataType.F16,
            "BF16" => DataType.BF16,
            "F64" => DataType.F64,
            "I64" => DataType.I64,
            "I32" => DataType.I32,
            "I16" => DataType.I16,
            "I8" => DataType.I8,
            "U64" => DataType.U64,
            "U32" => DataType.U32,
            "U16" => DataType.U16,
            "U8" => DataType.U8,
            "BOOL" => DataType.Bool,
            _ => throw WrongTensor(name, $"has the dtype {WeightsException.Quote(text)}, which is not supported"),
        };
    }

    private List<long> ParseNumbers(ref Utf8JsonReader json, string name, string key, int most)
    {
        if (json.TokenType != JsonTokenType.StartArray)
            throw WrongTensor(name, $"has a {key} that is not a list");
        var numbers = new List<long>();
        while (json.Read() && json.TokenType != JsonTokenType.EndArray)
        {
            if (json.TokenType != JsonTokenType.Number || !json.TryGetInt64(out var number) || number < 0)
                throw WrongTensor(name, $"has a {key} with an entry that is not a non-negative integer");
            if (numbers.Count == most)
                throw WrongTensor(name, $"has a {key} with more than {most} entries");
            numbers.Add(number);
        }
        return numbers;
    }

    private Entry CheckSize(string name, DataType type, List<long> shape, long begin, long end)
    {
        var shown = $"[{string.Join(", ", shape)}]";
        if (begin > end)
            throw WrongTensor(name, $"ends at byte {end}, but begins at byte {begin}");
        long bytes = type.Bytes();
        foreach (var extent in shape)
        {
            if (Math.BigMul(bytes, extent, out var product) != 0 || product < 0)
                throw WrongTensor(name, $"has the shape {shown}, too large to count");
            bytes = product;
        }
        if (bytes != end - begin)
        {
            throw WrongTensor(
                name,
                $"needs {bytes} bytes for {type} {shown}, but its data_offsets [{begin}, {end}] hold {end - begin}");
        }

        if (shape.Exists(extent => extent > int.MaxValue))
            throw WrongTensor(name, $"has the shape {shown}, with an extent that is not supported");
        return new Entry(name, type, [.. shape.Select(extent => (int)extent)], begin, end);
    }

    /// <summary>Checks that, in byte order, each tensor begins where the previous one ends.</summary>
    private void CheckCoverage(long dataBytes)
    {
        long covered = 0;
        var before = "";
        foreach (var entry in entries.OrderBy(e => e.Begin).ThenBy(e => e.End))
        {
            if (entry.Begin < covered)
            {
                throw WrongTensor(
                    entry.Name,
                    $"overlaps {WeightsException.Quote(before)}: it begins at byte {entry.Begin} of the data, " +
                    $"but that one ends at {covered}");
            }

            if (entry.End > dataBytes)
            {
                throw Wrong(
                    $"the file is cut short: the tensor {WeightsException.Quote(entry.Name)} ends at byte {entry.End} " +
                    $"of the data, which has only {dataBytes}");
            }

            if (entry.Begin > covered)
            {
                throw WrongTensor(
                    entry.Name,
                    $"begins at byte {entry.Begin} of the data, after a gap: " +
                    $"no tensor covers the bytes from {covered} on");
            }

            covered = entry.End;
            before = entry.Name;
        }
        if (covered < dataBytes)
            throw Wrong($"the file has {dataBytes - covered} bytes at its end that belong to no tensor");
    }

    /// <summary>Compares the content with the file's checksum, if it has one.</summary>
    private void CheckContent(long dataBegin)
    {
        if (!metadata.Remove(SafetensorsChecksum.MetadataKey, out var expected))
            return;
        var checksum = new SafetensorsChecksum();
        checksum.AddMetadata(metadata);
        var hashes = entries.AsParallel().AsOrdered()
            .Select(e => SafetensorsChecksum.Of(e.Type, e.Shape, file, dataBegin + e.Begin, dataBegin + e.End));
        foreach (var (entry, hash) in entries.Zip(hashes))
            checksum.AddTensor(entry.Name, hash);
        if (checksum.ToString() != expected)
            throw Wrong(SafetensorsChecksum.Damaged);
    }

    /// <summary>The JSON reader's message, without the position at its end.</summary>
    private static string Shorten(string message)
    {
        var tail = message.IndexOf(" LineNumber", StringComparison.Ordinal);
        var sentence = (tail < 0 ? message : message[..tail]).TrimEnd('.', ' ');
        return string.Concat(sentence.Take(160).Select(c => char.IsControl(c) || char.IsSurrogate(c) ? '?' : c));
    }

    private WeightsException WrongTensor(string name, string what)
        => Wrong($"the tensor {WeightsException.Quote(name)} {what}");

    private WeightsException Wrong(string what, Exception? inner = null) => new($"{source}: {what}.", inner);
}
