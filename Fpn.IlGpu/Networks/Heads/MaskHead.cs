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
internal sealed class MaskHead : IDisposable
{
    private readonly Device device;
    private readonly ConvolutionLayer[] convolutions;
    private readonly ConvolutionLayer doubling;
    private readonly ConvolutionLayer masks;

    private MaskHead(Device device, ConvolutionLayer[] convolutions, ConvolutionLayer doubling, ConvolutionLayer masks)
    {
        this.device = device;
        this.convolutions = convolutions;
        this.doubling = doubling;
        this.masks = masks;
    }

    /// <summary>A description for users.</summary>
    public string Description => $"{convolutions.Length} + 2 convolutions";

    /// <summary>The number of classes that have a mask.</summary>
    public int Classes => masks.OutputChannels;

    /// <summary>Reads the head for a pyramid from a model file.</summary>
    /// <param name="device">The device that holds the weights.</param>
    /// <param name="weights">Reads the tensors of the model file.</param>
    /// <param name="name">The prefix of its tensors' names: <c>roi_heads</c>.</param>
    /// <param name="channels">Channels of the pyramid, d.</param>
    public static MaskHead Read(Device device, WeightReader weights, string name, int channels)
    {
        var convolutions = new ConvolutionLayer[Math.Max(1, weights.Count(name + ".mask_head."))];
        for (var i = 0; i < convolutions.Length; i++)
        {
            convolutions[i] = weights.Normalised(
                $"{name}.mask_head.{i}", channels, ConvolutionWindow.Square(padding: 1), Activation.Relu);
            channels = convolutions[i].OutputChannels;
        }
        var doubling = weights.TransposedConvolution(name + ".mask_predictor.conv5_mask", channels, Activation.Relu);
        var masks = weights.Convolution(
            name + ".mask_predictor.mask_fcn_logits", doubling.OutputChannels / 4, ConvolutionWindow.Square(), Activation.None);
        return new MaskHead(device, convolutions, doubling, masks);
    }

    /// <summary>Computes the convolved features; the caller disposes them.</summary>
    /// <param name="roiFeatures">The RoI features of the objects, [D, S, S, d].</param>
    public Tensor Features(Tensor roiFeatures) => convolutions.RunAll(roiFeatures);

    /// <summary>Computes the masks of the objects' classes; the caller disposes them.</summary>
    /// <param name="features">The convolved features, for example [D, S, S, 256].</param>
    /// <param name="classIds">The class of each object, [D].</param>
    /// <returns>The probabilities, [D, 2 · S, 2 · S, 1].</returns>
    public Tensor Predict(Tensor features, ArrayView<int> classIds)
    {
        var (count, side) = (features.Shape.N, features.Shape.H);
        using var quartets = doubling.Run(features);
        using var logits = masks.Run(quartets.As(new Shape(count, side, side * 4, doubling.OutputChannels / 4)));
        var output = Tensor.Rent(device, new Shape(count, 2 * side, 2 * side, 1));
        Take(device, logits, classIds, output);
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

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var layer in convolutions)
            layer.Dispose();
        doubling.Dispose();
        masks.Dispose();
    }

    internal readonly record struct Sizes(int Side, int Classes, int Length);
}
