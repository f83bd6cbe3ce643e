using System.Globalization;
using System.Text.RegularExpressions;
using Fpn.IlGpu.Tensors;

namespace Fpn.IlGpu.Weights;

/// <summary>
/// Reads the weights (initialisers) of an ONNX file by their names, which PyTorch's exporter takes from the state dict. Source:
/// github.com/onnx/onnx, onnx.proto:
/// <code>
/// ModelProto    1 ir_version, 7 graph, 14 metadata_props
/// GraphProto    1 node, 5 initializer
/// NodeProto     4 op_type, 5 attribute
/// TensorProto   1 dims, 2 data_type, 4 float_data, 8 name, 9 raw_data, 10 double_data, 13 external_data, 14 data_location
/// </code>
/// The exporter folds batch norms into convolutions unless it is told not to. What it computes then has no name but a number, and nobody
/// can say what it belongs to: such a file is refused.
/// </summary>
internal static partial class OnnxFile
{
    /// <summary>The metadata key of the ε that batch norms in the file have.</summary>
    public const string EpsilonKey = "onnx.batch_norm_eps";

    private const int MostTensors = 20_000;
    private const int MostAxes = 32;
    private const int LongestName = 1024;
    private const int LongestMetadata = 1 << 24;
    private const int MostIrVersion = 0x1F;
    private const ulong External = 1;

    private static readonly Dictionary<ulong, DataType> Types = new()
    {
        [1] = DataType.F32,
        [10] = DataType.F16,
        [11] = DataType.F64,
        [16] = DataType.BF16,
    };

    /// <summary>Whether a file begins like an ONNX file: with its version, and the tag of another field of a model.</summary>
    public static bool IsOnnx(ReadOnlySpan<byte> beginning)
        => beginning is [0x08, > 0 and <= MostIrVersion, 0x12 or 0x1A or 0x22 or 0x28 or 0x32 or 0x3A or 0x42 or 0x72, ..];

    /// <summary>Opens a file and takes ownership of it.</summary>
    /// <exception cref="WeightsException">
    /// The file is damaged, keeps its weights in another file, or has weights without names.
    /// </exception>
    public static StateDictionary Open(TensorBytes file, SourceName source)
    {
        var tensors = new List<BytesTensor>();
        float? epsilon = null;
        var metadata = new Dictionary<string, string>(StringComparer.Ordinal);
        var model = new ProtobufReader(file, 0, file.Length, source);
        while (model.Next())
        {
            if (model.Field == 7)
                ReadGraph(model.Message(), file, source, tensors, ref epsilon);
            if (model.Field == 14)
                ReadMetadata(model.Message(), metadata);
        }
        if (metadata.Remove(SafetensorsChecksum.MetadataKey, out var checksum))
            CheckContent(tensors, metadata, checksum, file, source);
        List<BytesTensor> nameless = [.. tensors.Where(tensor => tensor.Count > 1 && Numbered().IsMatch(tensor.Name))];
        if (nameless.Count > 0)
        {
            throw source.Wrong(
                $"{nameless.Count} of its {tensors.Count} weights have lost their names, such as {WeightsException.Quote(nameless[0].Name)}, "
                + "because batch norms were folded when it was exported; load the .pth file that it was made from, or export it with "
                + "training=torch.onnx.TrainingMode.PRESERVE and do_constant_folding=False");
        }
        if (tensors.Count == 0)
            throw source.Wrong("the ONNX file has no weights");
        if (epsilon is { } e)
            metadata.Add(EpsilonKey, e.ToString(CultureInfo.InvariantCulture));
        return new StateDictionary(source.Name, tensors.Where(tensor => !Numbered().IsMatch(tensor.Name)), metadata, file) { Format = "ONNX" };
    }

    /// <summary>Keeps an entry that the library has written itself.</summary>
    private static void ReadMetadata(ProtobufReader entry, Dictionary<string, string> metadata)
    {
        var (key, value) = ("", "");
        while (entry.Next())
        {
            if (entry.Field == 1)
                key = entry.Text(LongestMetadata);
            if (entry.Field == 2 && key is ModelConfiguration.MetadataKey or SafetensorsChecksum.MetadataKey)
                value = entry.Text(LongestMetadata);
        }
        if (value.Length > 0)
            metadata[key] = value;
    }

    private static void CheckContent(
        List<BytesTensor> tensors, Dictionary<string, string> metadata, string expected, TensorBytes file, SourceName source)
    {
        var actual = new SafetensorsChecksum();
        actual.AddMetadata(metadata);
        foreach (var tensor in tensors.DistinctBy(tensor => tensor.Name))
        {
            var end = tensor.Begin + tensor.Count * tensor.DataType.Bytes();
            actual.AddTensor(tensor.Name, SafetensorsChecksum.Of(tensor.DataType, tensor.Shape, file, tensor.Begin, end));
        }
        if (actual.ToString() != expected)
            throw source.Wrong(SafetensorsChecksum.Damaged);
    }

    private static void ReadGraph(ProtobufReader graph, TensorBytes file, SourceName source, List<BytesTensor> tensors, ref float? epsilon)
    {
        while (graph.Next())
        {
            if (graph.Field == 1 && epsilon is null)
                epsilon = EpsilonOf(graph.Message());
            if (graph.Field == 5 && ReadTensor(graph.Message(), file, source) is { } tensor)
            {
                if (tensors.Count == MostTensors)
                    throw source.Wrong($"it has more than {MostTensors} weights");
                tensors.Add(tensor);
            }
        }
    }

    /// <summary>The ε of a node that is a batch norm; otherwise null.</summary>
    private static float? EpsilonOf(ProtobufReader node)
    {
        var isNorm = false;
        float? epsilon = null;
        while (node.Next())
        {
            if (node.Field == 4)
                isNorm = node.Text(LongestName) == "BatchNormalization";
            if (node.Field != 5)
                continue;
            var attribute = node.Message();
            var isEpsilon = false;
            while (attribute.Next())
            {
                if (attribute.Field == 1)
                    isEpsilon = attribute.Text(LongestName) == "epsilon";
                if (attribute.Field == 2 && isEpsilon && attribute.Type == WireType.Fixed32)
                    epsilon = BitConverter.UInt32BitsToSingle((uint)attribute.Number);
            }
        }
        return isNorm ? epsilon : null;
    }

    /// <summary>Reads a tensor; null for one of whole numbers, which are no weights.</summary>
    private static BytesTensor? ReadTensor(ProtobufReader field, TensorBytes file, SourceName source)
    {
        var (name, dataType, isExternal, location) = ("", 0UL, false, "");
        var shape = new List<long>();
        (long Begin, long End)? data = null;
        while (field.Next())
        {
            switch (field.Field)
            {
                case 1:
                    shape.AddRange(field.Wholes(MostAxes));
                    break;
                case 2:
                    dataType = field.Number;
                    break;
                case 8:
                    name = field.Text(LongestName);
                    break;
                case 4 or 9 or 10 when field.Type == WireType.Bytes && field.End > field.Begin:
                    // Packed floats are stored as raw ones are.
                    if (data is not null)
                        throw source.WrongTensor(name, "has its elements in several parts, which is not supported");
                    data = (field.Begin, field.End);
                    break;
                case 13:
                    isExternal = true;
                    location = LocationOf(field.Message()) ?? location;
                    break;
                case 14:
                    isExternal |= field.Number == External;
                    break;
            }
        }
        if (isExternal)
        {
            throw source.Wrong(
                $"keeps its weights in another file ({WeightsException.Quote(location)}, external data), which is not read; save it as one "
                + "file, or load the .pth file that it was made from");
        }
        if (!Types.TryGetValue(dataType, out var type))
            return null;
        if (shape.Count > MostAxes || shape.Exists(extent => extent is < 0 or > int.MaxValue))
            throw source.WrongTensor(name, "has an invalid shape");
        var (begin, end) = data ?? (0, 0);
        var bytes = shape.Aggregate((Int128)type.Bytes(), (size, extent) => Int128.Min(size * extent, long.MaxValue));
        return bytes == end - begin
            ? new BytesTensor(name, [.. shape.Select(extent => (int)extent)], type, file, begin)
            : throw source.WrongTensor(name, $"needs {bytes} bytes for its shape [{string.Join(", ", shape)}], but has {end - begin}");
    }

    private static string? LocationOf(ProtobufReader entry)
    {
        var (key, value) = ("", "");
        while (entry.Next())
        {
            if (entry.Field == 1)
                key = entry.Text(LongestName);
            if (entry.Field == 2)
                value = entry.Text(LongestName);
        }
        return key == "location" ? value : null;
    }

    [GeneratedRegex("^(onnx::[A-Za-z0-9_]+_)?[0-9]+$")]
    private static partial Regex Numbered();
}
