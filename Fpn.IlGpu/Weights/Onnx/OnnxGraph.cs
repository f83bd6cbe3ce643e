using System.Runtime.InteropServices;
using Fpn.IlGpu.Tensors;

namespace Fpn.IlGpu.Weights;

/// <summary>
/// An ONNX graph in the making. Nodes are added in the order of computation, so that each one's inputs are there before it. Weights are
/// its only initialisers and keep their names: whoever reads a model's weights from the file finds these, and nothing else. Constants
/// are nodes.
/// </summary>
/// <param name="name">The graph's name.</param>
/// <param name="opset">The version of the operators.</param>
/// <param name="weightType">How weights are stored: F32, F16 or BF16. The graph computes in float.</param>
internal sealed class OnnxGraph(string name, int opset, DataType weightType)
{
    private const string Constants = "Constant";

    private readonly Dictionary<string, OnnxValue> constants = new(StringComparer.Ordinal);
    private readonly Dictionary<string, OnnxValue> weights = new(StringComparer.Ordinal);
    private readonly List<OnnxNode> nodes = [];
    private List<OnnxNode>? body;
    private string section = "";
    private int created;

    /// <summary>The graph's name.</summary>
    public string Name => name;

    /// <summary>The version of the operators.</summary>
    public int Opset => opset;

    /// <summary>How weights are stored.</summary>
    public DataType WeightType => weightType;

    /// <summary>The nodes, in the order of computation.</summary>
    public IReadOnlyList<OnnxNode> Nodes => nodes;

    /// <summary>The weights, in the order of their first use.</summary>
    public List<StateTensor> Weights { get; } = [];

    /// <summary>The inputs.</summary>
    public List<OnnxPort> Inputs { get; } = [];

    /// <summary>The outputs.</summary>
    public List<OnnxPort> Outputs { get; } = [];

    /// <summary>Begins a part of the network: the prefix of the names of values that get no other.</summary>
    public void Begin(string part) => section = part + "/";

    /// <summary>Adds an input.</summary>
    /// <param name="inputName">Its name.</param>
    /// <param name="type">The type of its elements.</param>
    /// <param name="description">What it is, for users.</param>
    /// <param name="shape">Its extents: numbers, or names of those that vary.</param>
    public OnnxValue Input(string inputName, OnnxType type, string description, params string[] shape)
    {
        var value = new OnnxValue(this, inputName, type);
        Inputs.Add(new OnnxPort(value, description, shape));
        return value;
    }

    /// <summary>Makes a value an output; parameters as for <see cref="Input"/>.</summary>
    public void Output(OnnxValue value, string outputName, string description, params string[] shape)
        => Outputs.Add(new OnnxPort(value.Named(outputName), description, shape));

    /// <summary>Adds a node with one output.</summary>
    /// <param name="op">The ONNX operator.</param>
    /// <param name="type">The type of the output's elements.</param>
    /// <param name="inputs">Its inputs; null for one that is left out.</param>
    /// <param name="attributes">Its attributes.</param>
    public OnnxValue Node(string op, OnnxType type, ReadOnlySpan<OnnxValue?> inputs, params ReadOnlySpan<OnnxAttribute> attributes)
        => Node(op, [type], inputs, attributes)[0];

    /// <summary>Adds a node with several outputs; parameters as for the node with one.</summary>
    public OnnxValue[] Node(
        string op, ReadOnlySpan<OnnxType> types, ReadOnlySpan<OnnxValue?> inputs, params ReadOnlySpan<OnnxAttribute> attributes)
    {
        var own = $"{section}{op}_{created++}";
        var outputs = new OnnxValue[types.Length];
        for (var i = 0; i < outputs.Length; i++)
            outputs[i] = new OnnxValue(this, i == 0 ? own : $"{own}:{i}", types[i]);
        // Constants are outside of a loop's body, so that others can use them, too.
        (op == Constants ? nodes : body ?? nodes).Add(new OnnxNode(op, inputs.ToArray(), outputs, attributes.ToArray()));
        return outputs;
    }

    /// <summary>Adds a loop: a value is replaced a number of times. Loops can't be nested.</summary>
    /// <param name="count">How often, [].</param>
    /// <param name="initial">The initial value.</param>
    /// <param name="step">Adds the nodes that compute the next value from the number of the pass, [], and the last value.</param>
    /// <returns>The last value.</returns>
    public OnnxValue Loop(OnnxValue count, OnnxValue initial, Func<OnnxValue, OnnxValue, OnnxValue> step)
    {
        var own = $"{section}Loop_{created++}";
        var pass = new OnnxValue(this, own + ":pass", OnnxType.Int64);
        var goOn = new OnnxValue(this, own + ":go_on", OnnxType.Bool);
        var last = new OnnxValue(this, own + ":last", initial.Type);
        body = [];
        var next = step(pass, last);
        var stays = Node("Identity", OnnxType.Bool, [goOn]);
        var graph = new OnnxBody(own, body, [new(pass, "", []), new(goOn, "", []), new(last, "", null)], [new(stays, "", []), new(next, "", null)]);
        body = null;
        return Node("Loop", initial.Type, [count, null, initial], OnnxAttribute.Of("body", graph));
    }

    /// <summary>A weight, as floats.</summary>
    public OnnxValue Weight(StateTensor tensor)
    {
        if (weights.TryGetValue(tensor.Name, out var known))
            return known;
        Weights.Add(tensor);
        var stored = new OnnxValue(this, tensor.Name, TypeOf(weightType));
        var value = stored.Type == OnnxType.Float ? stored : stored.As(OnnxType.Float);
        weights.Add(tensor.Name, value);
        return value;
    }

    /// <summary>A number.</summary>
    public OnnxValue Number(double value, OnnxType type) => type switch
    {
        OnnxType.Int64 => Constant(type, [], MemoryMarshal.AsBytes<long>([(long)value])),
        OnnxType.Double => Constant(type, [], MemoryMarshal.AsBytes<double>([value])),
        OnnxType.Float => Constant(type, [], MemoryMarshal.AsBytes<float>([(float)value])),
        _ => throw new ArgumentOutOfRangeException(nameof(type), type, "Constants are whole numbers, floats or doubles."),
    };

    /// <summary>A list of whole numbers, [n].</summary>
    public OnnxValue Wholes(params ReadOnlySpan<long> values) => Constant(OnnxType.Int64, [values.Length], MemoryMarshal.AsBytes(values));

    /// <summary>Floats of a shape.</summary>
    public OnnxValue Floats(ReadOnlySpan<float> values, params ReadOnlySpan<int> shape)
        => Constant(OnnxType.Float, shape, MemoryMarshal.AsBytes(values));

    /// <summary>The type of stored weights.</summary>
    public static OnnxType TypeOf(DataType type) => type switch
    {
        DataType.F32 => OnnxType.Float,
        DataType.F16 => OnnxType.Float16,
        DataType.BF16 => OnnxType.BFloat16,
        _ => throw new ArgumentOutOfRangeException(nameof(type), type, "Weights are stored as F32, F16 or BF16."),
    };

    // Equal constants are one node.
    private OnnxValue Constant(OnnxType type, ReadOnlySpan<int> shape, ReadOnlySpan<byte> bytes)
    {
        var tensor = new OnnxTensor(type, shape.ToArray(), bytes.ToArray());
        var key = $"{type} {string.Join(',', tensor.Shape)} {Convert.ToHexString(bytes)}";
        if (!constants.TryGetValue(key, out var value))
        {
            value = Node(Constants, type, [], OnnxAttribute.Of("value", tensor)).Named($"constant_{constants.Count}");
            constants.Add(key, value);
        }
        return value;
    }
}

/// <summary>An input or output of a graph.</summary>
/// <param name="Value">Its value.</param>
/// <param name="Description">What it is, for users.</param>
/// <param name="Shape">Its extents: numbers, or names of those that vary; null if it may have any.</param>
internal sealed record OnnxPort(OnnxValue Value, string Description, IReadOnlyList<string>? Shape);

/// <summary>The body of a loop.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Nodes">Its nodes, which may also use values from outside that are there before the loop.</param>
/// <param name="Inputs">The number of the pass, whether to go on, and the last value.</param>
/// <param name="Outputs">Whether to go on, and the next value.</param>
internal sealed record OnnxBody(
    string Name, IReadOnlyList<OnnxNode> Nodes, IReadOnlyList<OnnxPort> Inputs, IReadOnlyList<OnnxPort> Outputs);

/// <summary>A node: one operation.</summary>
/// <param name="Operator">The ONNX operator.</param>
/// <param name="Inputs">Its inputs; null for one that is left out.</param>
/// <param name="Outputs">Its outputs.</param>
/// <param name="Attributes">Its attributes.</param>
internal sealed record OnnxNode(
    string Operator, IReadOnlyList<OnnxValue?> Inputs, IReadOnlyList<OnnxValue> Outputs, IReadOnlyList<OnnxAttribute> Attributes);

/// <summary>A tensor of constants.</summary>
/// <param name="Type">The type of its elements.</param>
/// <param name="Shape">Its extents; empty for a number.</param>
/// <param name="Bytes">The elements, little-endian.</param>
internal sealed record OnnxTensor(OnnxType Type, int[] Shape, byte[] Bytes);

/// <summary>An attribute of a node.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Value">A long, float, string, long[], <see cref="OnnxTensor"/> or <see cref="OnnxBody"/>.</param>
internal readonly record struct OnnxAttribute(string Name, object Value)
{
    public static OnnxAttribute Of(string name, long value) => new(name, value);

    public static OnnxAttribute Of(string name, float value) => new(name, value);

    public static OnnxAttribute Of(string name, string value) => new(name, value);

    public static OnnxAttribute Of(string name, OnnxTensor value) => new(name, value);

    public static OnnxAttribute Of(string name, OnnxBody value) => new(name, value);

    public static OnnxAttribute Of(string name, params long[] values) => new(name, values);
}
