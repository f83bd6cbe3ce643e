using Fpn.IlGpu.Kernels;
using Fpn.IlGpu.Weights;

namespace Fpn.IlGpu.Export;

/// <summary>
/// Resizing along one axis of [1, 3, H, W] as ONNX nodes. ONNX's own operator Resize has the same formulas but leaves the rounding to
/// who runs it, and in ONNX Runtime some pixels differ by a level: the formulas are therefore written out.
/// </summary>
/// <param name="axis">The axis: 2 for height, 3 for width.</param>
/// <param name="from">Its extent before, in px, [].</param>
/// <param name="to">Its extent after, in px, [].</param>
internal sealed class ResizeNodes(int axis, OnnxValue from, OnnxValue to)
{
    // Bits after the binary point of a rounded weight, as in Pillow.
    private const long One = 1 << 22;

    /// <summary>Mixes the two nearest pixels: see <see cref="Preprocess"/>.</summary>
    public OnnxValue Interpolate(OnnxValue levels)
    {
        var ratio = from.As(OnnxType.Float) / to.As(OnnxType.Float);
        var source = ((to.Range().As(OnnxType.Float) + 0.5) * ratio - 0.5).Max(ratio.Number(0));
        var last = from - 1;
        var before = source.As(OnnxType.Int64).Min(last);
        var after = (before + 1).Min(last);
        var mix = AlongAxis(source - before.As(OnnxType.Float));
        return levels.Gather(before, axis) * (mix.Number(1) - mix) + levels.Gather(after, axis) * mix;
    }

    /// <summary>
    /// Averages all pixels that an output pixel covers, to whole levels: see <see cref="AntialiasedPreprocess"/>. One pass of the loop
    /// adds one pixel to each sum.
    /// </summary>
    /// <param name="levels">The levels, as whole numbers.</param>
    public OnnxValue Average(OnnxValue levels)
    {
        var graph = levels.Graph;
        var ratio = from.As(OnnxType.Double) / to.As(OnnxType.Double);
        var scale = ratio.Max(ratio.Number(1));
        var centre = (to.Range().As(OnnxType.Double) + 0.5) * ratio;
        var first = (centre - scale + 0.5).As(OnnxType.Int64).Max(from.Number(0));
        var count = (centre + scale + 0.5).As(OnnxType.Int64).Min(from) - first;

        // [outputs, taps], with taps beyond an output's own at 0.
        var most = scale.As(OnnxType.Int64) * 2 + 3;
        var tap = most.Range().Unsqueeze(0);
        var offset = (first.Unsqueeze(1) + tap).As(OnnxType.Double) - centre.Unsqueeze(1) + 0.5;
        var triangle = (offset.Number(1) - (offset / scale).Abs()).Max(offset.Number(0));
        var weights = (tap < count.Unsqueeze(1)).Choose(triangle, triangle.Number(0));
        var factors = (weights / weights.Sum(1).Unsqueeze(1) * One + 0.5).As(OnnxType.Int64);

        var sums = graph.Loop(most, levels.Gather(first, axis) * 0, (pass, sum) =>
            sum + levels.Gather((first + pass).Min(from - 1), axis) * AlongAxis(factors.Gather(pass, axis: 1)));
        // Who infers shapes does not know the rank of what a loop returns.
        return ((sums.Reshape(0, 0, 0, -1) + One / 2) / One).Min(sums.Number(byte.MaxValue));
    }

    private OnnxValue AlongAxis(OnnxValue list)
    {
        long[] shape = [1, 1, 1, 1];
        shape[axis] = -1;
        return list.Reshape(shape);
    }
}
