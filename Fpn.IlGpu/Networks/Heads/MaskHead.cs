using Fpn.IlGpu.Kernels;
using Fpn.IlGpu.Runtime;
using Fpn.IlGpu.Tensors;
using ILGPU;

namespace Fpn.IlGpu.Networks;

/// <summary>
/// The mask head (He et al., Mask R-CNN, figure 4, right): 3×3 convolutions with ReLU on a RoI's features, a transposed
/// convolution that doubles their size, and a 1×1 convolution to one mask per class, of which the mask of the object's class is used.
/// <code>mask[d, y, x] = sigmoid( logits[d, y, x, class of d] )</code>
/// The windows of the transposed convolution (kernel 2, stride 2) don't overlap, so it is a 1×1 convolution from each pixel to its
/// four output pixels. The four stay adjacent in memory until the masks are extracted.
/// </summary>
internal sealed class MaskHead
{
    private readonly ConvolutionLayer[] convolutions;
    private readonly TransposedConvolutionLayer doubling;
    private readonly ConvolutionLayer masks;

    /// <summary>Defines the head, and adds its layers to a network.</summary>
    /// <param name="layers">The layers of the network.</param>
    /// <param name="name">The prefix of its tensors' names: <c>roi_heads</c>.</param>
    /// <param name="layout">The sizes of its layers.</param>
    /// <param name="channels">Channels of the pyramid, d.</param>
    public MaskHead(LayerSet layers, string name, MaskHeadLayout layout, int channels)
    {
        Classes = layout.Classes;
        convolutions = new ConvolutionLayer[layout.Convolutions.Length];
        for (var i = 0; i < convolutions.Length; i++)
        {
            var own = $"{name}.mask_head.{i}";
            convolutions[i] = new ConvolutionLayer(
                layers, own + ".0", channels, layout.Convolutions[i], ConvolutionWindow.Square(padding: 1), Activation.Relu,
                layout.HasNorms ? own + ".1" : null);
            channels = layout.Convolutions[i];
        }
        doubling = new TransposedConvolutionLayer(layers, name + ".mask_predictor.conv5_mask", channels, layout.DoublingC);
        masks = new ConvolutionLayer(
            layers, name + ".mask_predictor.mask_fcn_logits", layout.DoublingC, layout.Classes, ConvolutionWindow.Square(),
            Activation.None);
    }

    /// <summary>A description for users.</summary>
    public string Description => $"{convolutions.Length} + 2 convolutions";

    /// <summary>The number of classes that have a mask.</summary>
    public int Classes { get; }

    /// <summary>Computes the convolved features; the caller disposes them.</summary>
    /// <param name="tape">The tape to run on.</param>
    /// <param name="roiFeatures">The RoI features of the objects, [D, S, S, d].</param>
    public Variable Features(Tape tape, Variable roiFeatures) => convolutions.RunAll(tape, roiFeatures);

    /// <summary>Computes the masks' logits for every class; the caller disposes them.</summary>
    /// <param name="tape">The tape to run on.</param>
    /// <param name="features">The convolved features, for example [D, S, S, 256].</param>
    /// <returns>
    /// The logits, [D, S, 4 · S, classes]; the four pixels (2y, 2x), (2y, 2x + 1), (2y + 1, 2x) … are adjacent.
    /// </returns>
    public Variable Logits(Tape tape, Variable features)
    {
        using var quartets = doubling.Run(tape, features);
        return masks.Run(tape, quartets);
    }

    /// <summary>Computes the masks of the objects' classes; the caller disposes them.</summary>
    /// <param name="tape">The tape to run on.</param>
    /// <param name="features">The convolved features, for example [D, S, S, 256].</param>
    /// <param name="classIds">The class of each object, [D].</param>
    /// <returns>The probabilities, [D, 2 · S, 2 · S, 1].</returns>
    public Tensor Predict(Tape tape, Variable features, ArrayView<int> classIds)
    {
        var (count, side) = (features.Shape.N, features.Shape.H);
        using var logits = Logits(tape, features);
        var output = Tensor.Rent(tape.Device, new Shape(count, 2 * side, 2 * side, 1));
        Take(tape.Device, logits.Value, classIds, output);
        return output;
    }

    /// <summary>Extracts the mask of each object's class.</summary>
    /// <param name="device">The device that holds all tensors.</param>
    /// <param name="logits">
    /// The logits, [D, S, 4 · S, classes]; the four pixels (2y, 2x), (2y, 2x + 1), (2y + 1, 2x) … are adjacent.
    /// </param>
    /// <param name="classIds">The class of each object, [D].</param>
    /// <param name="masks">Receives the probabilities, [D, 2 · S, 2 · S, 1].</param>
    internal static void Take(Device device, Tensor logits, ArrayView<int> classIds, Tensor masks)
    {
        var length = (int)masks.Shape.Length;
        var grain = Grain.For(device, length, 1);
        var sizes = new Sizes(logits.Shape.H, logits.Shape.C, length);
        device.Launch(TakeKernel, grain.Threads(length, 1), logits.View, classIds, sizes, grain, masks.View);
    }

    /// <summary>One thread = a few consecutive pixels of masks, each read from its quartet (see <see cref="Grain"/>).</summary>
    internal static void TakeKernel(
        Index1D index, ArrayView<float> logits, ArrayView<int> classIds, Sizes sizes, Grain grain, ArrayView<float> masks)
    {
        int first = index * grain.Pixels;
        var end = IntrinsicMath.Min(first + grain.Pixels, sizes.Length);
        for (var i = first; i < end; i++)
        {
            var x = i % (2 * sizes.Side);
            var y = i / (2 * sizes.Side) % (2 * sizes.Side);
            var d = i / (4 * sizes.Side * sizes.Side);
            var quartet = (d * sizes.Side + y / 2) * sizes.Side + x / 2;
            masks[i] = Sigmoid.Of(logits[(quartet * 4 + y % 2 * 2 + x % 2) * sizes.Classes + classIds[d]]);
        }
    }

    internal readonly record struct Sizes(int Side, int Classes, int Length);
}

/// <summary>The sizes of a mask head's layers.</summary>
/// <param name="Convolutions">Channels of the convolutions.</param>
/// <param name="HasNorms">Whether a batch norm follows each of them.</param>
/// <param name="DoublingC">Channels of the transposed convolution's output.</param>
/// <param name="Classes">The number of classes that have a mask.</param>
internal sealed record MaskHeadLayout(int[] Convolutions, bool HasNorms, int DoublingC, int Classes)
{
    /// <summary>Reads the layout of a model file.</summary>
    /// <param name="weights">Reads the tensors' shapes.</param>
    /// <param name="name">The prefix of their names: <c>roi_heads</c>.</param>
    /// <exception cref="WeightsException">A tensor is missing.</exception>
    public static MaskHeadLayout Read(WeightReader weights, string name) => new(
        weights.OutputsOfSequence(name + ".mask_head."), weights.HasAny(name + ".mask_head.0.1."),
        weights.Size(name + ".mask_predictor.conv5_mask.weight", 1, 4), weights.OutputC(name + ".mask_predictor.mask_fcn_logits"));
}
