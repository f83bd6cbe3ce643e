using Fpn.IlGpu.Networks;
using Fpn.IlGpu.Tensors;
using Fpn.IlGpu.Weights;
using static Fpn.IlGpu.Weights.OnnxAttribute;

namespace Fpn.IlGpu.Export;

/// <summary>
/// The layers of a network as ONNX nodes. A layer is known by its name: its tensors' shapes tell its sizes, and whether it has a bias and
/// a batch norm. Batch norms stay nodes of their own, so that weights keep their names and values; ONNX Runtime folds them.
/// </summary>
/// <param name="graph">The graph that nodes are added to.</param>
/// <param name="state">The model's tensors.</param>
/// <param name="tensors">The tensors of the network's layers, by name.</param>
/// <param name="batchNormEpsilon">The ε of batch norms.</param>
internal sealed class LayerNodes(
    OnnxGraph graph, StateDictionary state, IReadOnlyDictionary<string, TensorSpec> tensors, float batchNormEpsilon)
{
    /// <summary>A convolution whose padding keeps the size of the map, apart from the stride.</summary>
    /// <param name="x">The input, [N, C, H, W].</param>
    /// <param name="name">The layer's name.</param>
    /// <param name="norm">The name of the batch norm that follows, if the network has one of that name.</param>
    /// <param name="stride">The stride, in px.</param>
    /// <param name="groups">The number of channel groups.</param>
    public OnnxValue Convolution(OnnxValue x, string name, string norm = "", int stride = 1, int groups = 1)
    {
        var shape = tensors[name + ".weight"].Shape;
        long pad = (shape[2] - 1) / 2;
        var convolved = graph.Node(
            "Conv", OnnxType.Float, WithBias(x, name), Of("kernel_shape", shape[2], shape[3]), Of("pads", pad, pad, pad, pad),
            Of("strides", stride, stride), Of("group", groups));
        return tensors.ContainsKey(norm + ".running_mean") ? BatchNorm(convolved, norm) : convolved;
    }

    /// <summary>A transposed convolution of kernel 2 and stride 2, which doubles the size of the map.</summary>
    public OnnxValue Doubling(OnnxValue x, string name) => graph.Node(
        "ConvTranspose", OnnxType.Float, WithBias(x, name), Of("kernel_shape", 2, 2), Of("strides", 2, 2));

    /// <summary>A fully connected layer.</summary>
    /// <param name="x">The input, [R, C].</param>
    /// <param name="name">The layer's name.</param>
    public OnnxValue FullyConnected(OnnxValue x, string name)
        => graph.Node("Gemm", OnnxType.Float, WithBias(x, name), Of("transB", 1));

    /// <summary>
    /// A group norm, if the network has one of that name. ONNX has it since opset 21 only; an instance norm whose channels are the groups
    /// is the same, but for the factors.
    /// </summary>
    public OnnxValue GroupNorm(OnnxValue x, string name)
    {
        if (!tensors.ContainsKey(name + ".weight"))
            return x;
        var groups = GroupNormLayer.Groups;
        var (ones, zeros) = (new float[groups], new float[groups]);
        ones.AsSpan().Fill(1);
        var normalised = graph.Node(
            "InstanceNormalization", OnnxType.Float, [x.Reshape(0, groups, -1), graph.Floats(ones, groups), graph.Floats(zeros, groups)],
            Of("epsilon", GroupNormLayer.Epsilon));
        var restored = graph.Node("Reshape", OnnxType.Float, [normalised, x.Shape()]);
        return restored * Weight(name + ".weight").Reshape(1, -1, 1, 1) + Weight(name + ".bias").Reshape(1, -1, 1, 1);
    }

    /// <summary>Max pooling.</summary>
    public OnnxValue MaxPool(OnnxValue x, int kernel, int stride, int padding) => graph.Node(
        "MaxPool", OnnxType.Float, [x], Of("kernel_shape", kernel, kernel), Of("pads", padding, padding, padding, padding),
        Of("strides", stride, stride));

    private OnnxValue BatchNorm(OnnxValue x, string name) => graph.Node(
        "BatchNormalization", OnnxType.Float,
        [x, Weight(name + ".weight"), Weight(name + ".bias"), Weight(name + ".running_mean"), Weight(name + ".running_var")],
        Of("epsilon", batchNormEpsilon));

    private OnnxValue[] WithBias(OnnxValue x, string name) => tensors.ContainsKey(name + ".bias")
        ? [x, Weight(name + ".weight"), Weight(name + ".bias")]
        : [x, Weight(name + ".weight")];

    private OnnxValue Weight(string name) => graph.Weight(state.Expect(name, tensors[name].Shape));
}
