using Fpn.IlGpu.Detection;
using Fpn.IlGpu.Weights;
using static Fpn.IlGpu.Weights.OnnxOperators;

namespace Fpn.IlGpu.Export;

/// <summary>The network's input as nodes, and the sizes that map its px back to the picture's.</summary>
/// <param name="Input">The input, [1, 3, H, W].</param>
/// <param name="Picture">The picture's height and width, in px, [2].</param>
/// <param name="Resized">The resized picture's height and width, in px, [2].</param>
/// <param name="Padded">The height and width of the input, in px, [2].</param>
internal sealed record InputNodes(OnnxValue Input, OnnxValue Picture, OnnxValue Resized, OnnxValue Padded)
{
    /// <summary>The resized picture's sides as limits of x1, y1, x2, y2, in input px, [4].</summary>
    public OnnxValue Limits => Resized.Gather(Resized.Graph.Wholes(1, 0, 1, 0)).As(OnnxType.Float);

    /// <summary>
    /// Adds the steps from pixels to the network's input, as <see cref="InputTransform"/> takes them: resize, normalise, and pad to a
    /// multiple of 32 px.
    /// </summary>
    /// <param name="image">The picture, [H, W, 3], 8-bit RGB.</param>
    /// <param name="c">The model's configuration.</param>
    public static InputNodes Add(OnnxValue image, ModelConfiguration c)
    {
        var graph = image.Graph;
        var picture = image.Shape().Part(0, 0, 2);
        var resized = ResizedSize(picture, c);
        var padded = (resized + (c.SizeDivisor - 1)) / c.SizeDivisor * c.SizeDivisor;

        var levels = (c.Bgr ? image.Gather(graph.Wholes(2, 1, 0), axis: 2) : image).Transpose(2, 0, 1).Unsqueeze(0);
        var across = new ResizeNodes(axis: 3, picture.At(1), resized.At(1));
        var down = new ResizeNodes(axis: 2, picture.At(0), resized.At(0));
        var values = c.ResizeAntialias
            ? down.Average(across.Average(levels.As(OnnxType.Int64))).As(OnnxType.Float)
            : down.Interpolate(across.Interpolate(levels.As(OnnxType.Float)));
        var channels = InputTransform.Scaling(c);
        var scale = graph.Floats([channels.Scale0, channels.Scale1, channels.Scale2], 1, 3, 1, 1);
        var offset = graph.Floats([channels.Offset0, channels.Offset1, channels.Offset2], 1, 3, 1, 1);
        var behind = Concat(0, graph.Wholes(0, 0, 0, 0, 0, 0), padded - resized);
        return new InputNodes(graph.Node("Pad", OnnxType.Float, [values * scale + offset, behind]), picture, resized, padded);
    }

    /// <summary>
    /// The resized picture's height and width: in the same steps and precision as <see cref="Imaging.ResizedSize"/>, so that both round
    /// alike.
    /// </summary>
    private static OnnxValue ResizedSize(OnnxValue picture, ModelConfiguration c)
    {
        if (c.ResizeRounds)
        {
            var whole = picture.As(OnnxType.Double);
            var shorter = whole.Smallest();
            var sides = whole.IsEqual(shorter).Choose(whole.Number(c.MinSize), c.MinSize / shorter * whole);
            var shrink = (c.MaxSize / sides.Largest()).Min(sides.Number(1));
            return (sides * shrink + 0.5).As(OnnxType.Int64).Max(picture.Number(1));
        }
        var single = picture.As(OnnxType.Float);
        // Not 1 / x: ONNX Runtime would make 800 · (1 / x) into 800 / x, which rounds otherwise.
        var scale = (c.MinSize * single.Smallest().Reciprocal()).Min(c.MaxSize * single.Largest().Reciprocal());
        return (picture.As(OnnxType.Double) * scale.As(OnnxType.Double)).As(OnnxType.Int64).Max(picture.Number(1));
    }
}
