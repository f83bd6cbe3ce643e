using System.Globalization;
using Fpn.IlGpu.Files;
using Fpn.IlGpu.Tensors;

namespace Fpn.IlGpu.Weights;

/// <summary>
/// Writes a graph as an ONNX file. Weights are written one after the other and never all in memory. Besides the fields that
/// <see cref="OnnxFile"/> documents, it writes:
/// <code>
/// ModelProto      2 producer_name, 8 opset_import, 14 metadata_props
/// GraphProto      2 name, 11 input, 12 output
/// NodeProto       1 input, 2 output, 3 name
/// AttributeProto  1 name, 2 f, 3 i, 4 s, 5 t, 6 g, 8 ints, 20 type
/// ValueInfoProto  1 name, 2 type, 3 doc_string
/// TypeProto       1 tensor_type (1 elem_type, 2 shape (1 dim (1 dim_value, 2 dim_param)))
/// </code>
/// </summary>
internal static class OnnxWriter
{
    // The version of the file format that has opset 16.
    private const int IrVersion = 8;

    private const string Producer = "Fpn.IlGpu";

    /// <summary>Writes a file.</summary>
    /// <param name="path">The file; it exists only once it is complete.</param>
    /// <param name="graph">The graph.</param>
    /// <param name="configuration">The model's configuration as JSON.</param>
    /// <param name="verify">Called with the complete file under its temporary name; if it throws, the write is undone.</param>
    /// <exception cref="WeightsException">
    /// The file can't be written, a weight is too large for its type, or the file would be larger than ONNX files can be.
    /// </exception>
    public static void Write(string path, OnnxGraph graph, string configuration, Action<string>? verify = null)
    {
        var head = Head(graph);
        ProtobufWriter[] weights = [.. graph.Weights.Select(tensor => WeightHead(tensor, graph.WeightType))];
        var length = head.Length + graph.Weights.Zip(weights, (tensor, own) => own.Length + tensor.Count * graph.WeightType.Bytes()).Sum();
        if (length > int.MaxValue)
            throw new WeightsException($"{path}: can't be written (the model has {length / 1e9:F1} GB, and an ONNX file at most 2.1 GB).");
        try
        {
            UnfinishedFile.Clean(Path.GetDirectoryName(Path.GetFullPath(path))!);
            using var file = UnfinishedFile.Create(path);
            var model = new ProtobufWriter();
            model.Whole(1, IrVersion);
            model.Text(2, Producer);
            model.Header(7, length);
            model.CopyTo(file.Stream);
            head.CopyTo(file.Stream);
            var checksum = new SafetensorsChecksum();
            checksum.AddMetadata([new(ModelConfiguration.MetadataKey, configuration)]);
            foreach (var (tensor, own) in graph.Weights.Zip(weights))
            {
                own.CopyTo(file.Stream);
                checksum.AddTensor(tensor.Name, SafetensorsWriter.WriteElements(file.Stream, tensor, graph.WeightType, path));
            }
            var tail = new ProtobufWriter();
            tail.Message(8, opset => opset.Whole(2, graph.Opset));
            AddMetadata(tail, ModelConfiguration.MetadataKey, configuration);
            AddMetadata(tail, SafetensorsChecksum.MetadataKey, checksum.ToString());
            tail.CopyTo(file.Stream);
            file.Flush();
            verify?.Invoke(file.TemporaryPath);
            file.Complete();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new WeightsException($"{path}: can't be written ({e.Message.TrimEnd('.')}).", e);
        }
    }

    /// <summary>The graph without its weights.</summary>
    private static ProtobufWriter Head(OnnxGraph graph)
    {
        var head = new ProtobufWriter();
        AddGraph(head, new OnnxBody(graph.Name, graph.Nodes, graph.Inputs, graph.Outputs));
        return head;
    }

    private static void AddGraph(ProtobufWriter message, OnnxBody graph)
    {
        foreach (var node in graph.Nodes)
            message.Message(1, own => AddNode(own, node));
        message.Text(2, graph.Name);
        foreach (var port in graph.Inputs)
            message.Message(11, own => AddPort(own, port));
        foreach (var port in graph.Outputs)
            message.Message(12, own => AddPort(own, port));
    }

    /// <summary>The field of a weight, up to its elements.</summary>
    private static ProtobufWriter WeightHead(StateTensor tensor, DataType type)
    {
        var bytes = tensor.Count * type.Bytes();
        var own = new ProtobufWriter();
        AddShape(own, tensor.Shape, OnnxGraph.TypeOf(type));
        own.Text(8, tensor.Name);
        own.Header(9, bytes);
        var field = new ProtobufWriter();
        field.Header(5, own.Length + bytes);
        field.Append(own);
        return field;
    }

    private static void AddShape(ProtobufWriter tensor, IEnumerable<int> shape, OnnxType type)
    {
        foreach (var extent in shape)
            tensor.Whole(1, extent);
        tensor.Whole(2, (long)type);
    }

    private static void AddNode(ProtobufWriter message, OnnxNode node)
    {
        foreach (var input in node.Inputs)
            message.Text(1, input?.Name ?? "");
        foreach (var output in node.Outputs)
            message.Text(2, output.Name);
        message.Text(3, node.Outputs[0].Name);
        message.Text(4, node.Operator);
        foreach (var attribute in node.Attributes)
            message.Message(5, own => AddAttribute(own, attribute));
    }

    private static void AddAttribute(ProtobufWriter message, OnnxAttribute attribute)
    {
        message.Text(1, attribute.Name);
        switch (attribute.Value)
        {
            case float value:
                message.Real(2, value);
                message.Whole(20, 1);
                break;
            case long value:
                message.Whole(3, value);
                message.Whole(20, 2);
                break;
            case string value:
                message.Text(4, value);
                message.Whole(20, 3);
                break;
            case OnnxTensor value:
                message.Message(5, tensor =>
                {
                    AddShape(tensor, value.Shape, value.Type);
                    tensor.Bytes(9, value.Bytes);
                });
                message.Whole(20, 4);
                break;
            case OnnxBody value:
                message.Message(6, graph => AddGraph(graph, value));
                message.Whole(20, 5);
                break;
            case long[] values:
                foreach (var value in values)
                    message.Whole(8, value);
                message.Whole(20, 7);
                break;
            default:
                throw new ArgumentException($"The attribute {attribute.Name} has a value of no ONNX type.", nameof(attribute));
        }
    }

    private static void AddPort(ProtobufWriter message, OnnxPort port)
    {
        message.Text(1, port.Value.Name);
        message.Message(2, type => type.Message(1, tensor =>
        {
            tensor.Whole(1, (long)port.Value.Type);
            if (port.Shape is not { } extents)
                return;
            tensor.Message(2, shape =>
            {
                foreach (var extent in extents)
                    shape.Message(1, own => AddExtent(own, extent));
            });
        }));
        if (port.Description.Length > 0)
            message.Text(3, port.Description);
    }

    private static void AddExtent(ProtobufWriter message, string extent)
    {
        if (long.TryParse(extent, CultureInfo.InvariantCulture, out var number))
            message.Whole(1, number);
        else
            message.Text(2, extent);
    }

    private static void AddMetadata(ProtobufWriter model, string key, string value) => model.Message(14, entry =>
    {
        entry.Text(1, key);
        entry.Text(2, value);
    });
}
