namespace Fpn.IlGpu.Weights;

/// <summary>
/// A value of an ONNX graph: an input, a weight, or the output of a node. The operators add a node, so that formulas read as such; a
/// number beside a value is a constant of the value's type. Shapes are broadcast as in NumPy.
/// </summary>
internal sealed class OnnxValue
{
    internal OnnxValue(OnnxGraph graph, string name, OnnxType type) => (Graph, Name, Type) = (graph, name, type);

    /// <summary>The graph that it belongs to.</summary>
    public OnnxGraph Graph { get; }

    /// <summary>Its name, unique in the graph.</summary>
    public string Name { get; private set; }

    /// <summary>The type of its elements.</summary>
    public OnnxType Type { get; }

    /// <summary>Gives the value a name that readers of the graph know.</summary>
    public OnnxValue Named(string name)
    {
        Name = name;
        return this;
    }

    public static OnnxValue operator +(OnnxValue a, OnnxValue b) => a.Graph.Node("Add", a.Type, [a, b]);

    public static OnnxValue operator -(OnnxValue a, OnnxValue b) => a.Graph.Node("Sub", a.Type, [a, b]);

    public static OnnxValue operator *(OnnxValue a, OnnxValue b) => a.Graph.Node("Mul", a.Type, [a, b]);

    public static OnnxValue operator /(OnnxValue a, OnnxValue b) => a.Graph.Node("Div", a.Type, [a, b]);

    public static OnnxValue operator %(OnnxValue a, OnnxValue b) => a.Graph.Node("Mod", a.Type, [a, b]);

    public static OnnxValue operator >(OnnxValue a, OnnxValue b) => a.Graph.Node("Greater", OnnxType.Bool, [a, b]);

    public static OnnxValue operator <(OnnxValue a, OnnxValue b) => a.Graph.Node("Less", OnnxType.Bool, [a, b]);

    public static OnnxValue operator >=(OnnxValue a, OnnxValue b) => a.Graph.Node("GreaterOrEqual", OnnxType.Bool, [a, b]);

    public static OnnxValue operator <=(OnnxValue a, OnnxValue b) => a.Graph.Node("LessOrEqual", OnnxType.Bool, [a, b]);

    public static OnnxValue operator &(OnnxValue a, OnnxValue b) => a.Graph.Node("And", OnnxType.Bool, [a, b]);

    public static OnnxValue operator +(OnnxValue a, double b) => a + a.Number(b);

    public static OnnxValue operator -(OnnxValue a, double b) => a - a.Number(b);

    public static OnnxValue operator *(OnnxValue a, double b) => a * a.Number(b);

    public static OnnxValue operator *(double a, OnnxValue b) => b.Number(a) * b;

    public static OnnxValue operator /(OnnxValue a, double b) => a / a.Number(b);

    public static OnnxValue operator /(double a, OnnxValue b) => b.Number(a) / b;

    public static OnnxValue operator %(OnnxValue a, double b) => a % a.Number(b);

    public static OnnxValue operator >(OnnxValue a, double b) => a > a.Number(b);

    public static OnnxValue operator <(OnnxValue a, double b) => a < a.Number(b);

    public static OnnxValue operator >=(OnnxValue a, double b) => a >= a.Number(b);

    public static OnnxValue operator <=(OnnxValue a, double b) => a <= a.Number(b);

    /// <summary>A constant of this value's type.</summary>
    public OnnxValue Number(double value) => Graph.Number(value, Type);
}
