using Fpn.IlGpu.Tensors;
using ILGPU;
using ILGPU.Algorithms;

namespace Fpn.IlGpu.Kernels;

/// <summary>
/// Codes boxes relative to other boxes (Faster R-CNN, section 3.1.2): deltas move the centre of an anchor or a proposal by fractions of
/// its size, and scale its sides exponentially.
/// <code>
/// cx = x + w · dx / wx     w' = w · exp(min(dw / ww, log(1000 / 16)))      y, h likewise
/// </code>
/// The clamp is that of torchvision and Detectron2. It keeps untrained deltas from overflowing exp.
/// </summary>
internal static class BoxCoding
{
    /// <summary>The largest delta of a side's logarithm: log(1000 / 16).</summary>
    public const float LargestLogScale = 4.135166556742356f;

    /// <summary>Decodes the four deltas that begin at an index, relative to a box.</summary>
    public static Box Decode(Box from, ArrayView<float> deltas, int at, BoxWeights weights)
    {
        var dx = deltas[at] / weights.X;
        var dy = deltas[at + 1] / weights.Y;
        var dw = XMath.Min(deltas[at + 2] / weights.W, LargestLogScale);
        var dh = XMath.Min(deltas[at + 3] / weights.H, LargestLogScale);
        var centreX = dx * from.Width + (from.X1 + 0.5f * from.Width);
        var centreY = dy * from.Height + (from.Y1 + 0.5f * from.Height);
        var halfW = 0.5f * (XMath.Exp(dw) * from.Width);
        var halfH = 0.5f * (XMath.Exp(dh) * from.Height);
        return new Box(centreX - halfW, centreY - halfH, centreX + halfW, centreY + halfH);
    }

    /// <summary>
    /// Computes the deltas that take one box to another, on the host: the inverse of <see cref="Decode"/>.
    /// <code>dx = wx · (cx' − cx) / w     dw = ww · log(w' / w)     y, h likewise</code>
    /// </summary>
    /// <param name="from">The anchor or proposal; its area must not be 0.</param>
    /// <param name="to">The true box; its area must not be 0.</param>
    /// <param name="weights">The weights of the coding.</param>
    /// <param name="deltas">[4]: dx, dy, dw, dh.</param>
    public static void Encode(Box from, Box to, BoxWeights weights, Span<float> deltas)
    {
        deltas[0] = weights.X * (to.X1 + 0.5f * to.Width - (from.X1 + 0.5f * from.Width)) / from.Width;
        deltas[1] = weights.Y * (to.Y1 + 0.5f * to.Height - (from.Y1 + 0.5f * from.Height)) / from.Height;
        deltas[2] = weights.W * MathF.Log(to.Width / from.Width);
        deltas[3] = weights.H * MathF.Log(to.Height / from.Height);
    }

    /// <summary>Returns the part of a box that is inside a picture of w × h px.</summary>
    public static Box Clip(Box box, float w, float h) => new(
        XMath.Clamp(box.X1, 0, w), XMath.Clamp(box.Y1, 0, h), XMath.Clamp(box.X2, 0, w), XMath.Clamp(box.Y2, 0, h));
}

/// <summary>The factors that multiplied the deltas in training: 1, 1, 1, 1 in the RPN; 10, 10, 5, 5 in the box head.</summary>
internal readonly record struct BoxWeights(float X, float Y, float W, float H);
