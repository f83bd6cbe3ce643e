using Fpn.IlGpu.Weights;

namespace Fpn.IlGpu.Tests.Export;

/// <summary>A graph as it stands in an ONNX file, read field by field (see <see cref="OnnxWriter"/>).</summary>
internal sealed class ReadGraph
{
    private const int Longest = 1 << 20;

    private ReadGraph(ProtobufReader graph)
    {
        while (graph.Next())
        {
            switch (graph.Field)
            {
                case 1:
                    Nodes.Add(new ReadNode(graph.Message()));
                    break;
                case 5:
                    Initialisers.Add(FirstText(graph.Message(), field: 8));
                    break;
                case 11:
                    Inputs.Add(ReadPort.Of(graph.Message()));
                    break;
                case 12:
                    Outputs.Add(ReadPort.Of(graph.Message()));
                    break;
            }
        }
    }

    public List<ReadNode> Nodes { get; } = [];

    public List<string> Initialisers { get; } = [];

    public List<ReadPort> Inputs { get; } = [];

    public List<ReadPort> Outputs { get; } = [];

    /// <summary>The version of the operators.</summary>
    public long Opset { get; private set; }

    public static ReadGraph Open(string path)
    {
        ReadGraph? graph = null;
        var opset = 0L;
        var file = new MemoryBytes(File.ReadAllBytes(path));
        var model = new ProtobufReader(file, 0, file.Length, new SourceName(path));
        while (model.Next())
        {
            if (model.Field == 7)
                graph = new ReadGraph(model.Message());
            if (model.Field == 8)
                opset = (long)First(model.Message(), field: 2).Number;
        }
        Assert.That(graph, Is.Not.Null);
        graph!.Opset = opset;
        return graph;
    }

    /// <summary>The names that are used before they are there, or are there twice; none in a valid graph.</summary>
    public IEnumerable<string> Faults() => Faults([]);

    private IEnumerable<string> Faults(HashSet<string> outside)
    {
        var there = new HashSet<string>(outside);
        foreach (var name in Initialisers.Concat(Inputs.Select(input => input.Name)))
        {
            if (!there.Add(name))
                yield return $"{name} is there twice";
        }
        foreach (var node in Nodes)
        {
            foreach (var input in node.Inputs.Where(input => input.Length > 0 && !there.Contains(input)))
                yield return $"{node.Operator} reads {input}, which no node before it computes";
            foreach (var fault in node.Body?.Faults(there) ?? [])
                yield return fault;
            foreach (var output in node.Outputs.Where(output => !there.Add(output)))
                yield return $"{node.Operator} computes {output}, which is there already";
        }
        foreach (var output in Outputs.Where(output => !there.Contains(output.Name)))
            yield return $"no node computes the output {output.Name}";
    }

    /// <summary>The names that some node reads, in this graph or in the body of a loop.</summary>
    public IEnumerable<string> Read() => Nodes.SelectMany(node => node.Inputs.Concat(node.Body?.Read() ?? []));

    internal static ReadGraph Of(ProtobufReader graph) => new(graph);

    internal static ProtobufReader First(ProtobufReader message, int field)
    {
        while (message.Next())
        {
            if (message.Field == field)
                return message;
        }
        throw new AssertionException($"A message has no field {field}.");
    }

    internal static string FirstText(ProtobufReader message, int field) => First(message, field).Text(Longest);
}

/// <summary>A node of a graph.</summary>
internal sealed class ReadNode
{
    public ReadNode(ProtobufReader node)
    {
        while (node.Next())
        {
            switch (node.Field)
            {
                case 1:
                    Inputs.Add(node.Text(1 << 10));
                    break;
                case 2:
                    Outputs.Add(node.Text(1 << 10));
                    break;
                case 4:
                    Operator = node.Text(1 << 10);
                    break;
                case 5:
                    Add(node.Message());
                    break;
            }
        }
    }

    public string Operator { get; } = "";

    public List<string> Inputs { get; } = [];

    public List<string> Outputs { get; } = [];

    public Dictionary<string, object> Attributes { get; } = [];

    /// <summary>The body of a loop.</summary>
    public ReadGraph? Body { get; private set; }

    private void Add(ProtobufReader attribute)
    {
        var name = "";
        var wholes = new List<long>();
        while (attribute.Next())
        {
            switch (attribute.Field)
            {
                case 1:
                    name = attribute.Text(1 << 10);
                    break;
                case 2:
                    Attributes[name] = BitConverter.UInt32BitsToSingle((uint)attribute.Number);
                    break;
                case 3:
                    Attributes[name] = (long)attribute.Number;
                    break;
                case 4:
                    Attributes[name] = attribute.Text(1 << 10);
                    break;
                case 6:
                    Body = ReadGraph.Of(attribute.Message());
                    break;
                case 8:
                    wholes.Add((long)attribute.Number);
                    Attributes[name] = wholes;
                    break;
            }
        }
    }
}

/// <summary>An input or output of a graph: name, type and extents.</summary>
internal sealed record ReadPort(string Name, long Type, string Shape)
{
    public static ReadPort Of(ProtobufReader port)
    {
        var name = "";
        var type = 0L;
        var extents = new List<string>();
        while (port.Next())
        {
            if (port.Field == 1)
                name = port.Text(1 << 10);
            if (port.Field != 2)
                continue;
            var tensor = ReadGraph.First(port.Message(), field: 1).Message();
            while (tensor.Next())
            {
                if (tensor.Field == 1)
                    type = (long)tensor.Number;
                var shape = tensor.Field == 2 ? tensor.Message() : null;
                while (shape?.Next() == true)
                {
                    var extent = shape.Message();
                    Assert.That(extent.Next(), "An extent has a number or a name.");
                    extents.Add(extent.Field == 1 ? $"{extent.Number}" : extent.Text(1 << 10));
                }
            }
        }
        return new ReadPort(name, type, string.Join(", ", extents));
    }
}
