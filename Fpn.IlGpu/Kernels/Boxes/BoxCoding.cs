using Fpn.IlGpu.Tensors;
using ILGPU;
using ILGPU.Algorithms;

namespace Fpn.IlGpu.Kernels;

/// <summary>
/// The coding of boxes relative to others (Faster R-CNN, section 3.1.2): deltas move an anchor's or a proposal's centre
/// by parts of its size and scale its sides exponentially.
/// <code>
/// cx = x + w · dx / wx     w' = w · exp(min(dw / ww, log(1000 / 16)))      y, h likewise
/// </code>
/// The clamp is that of torchvision and Detectron2; it keeps untrained deltas from overflowing exp.
/// </summary>
internal static class BoxCoding
{
    /// <summary>Decodes four deltas relative to a box.</summary>
    public static Box Decode(Box from, ArrayView<float> deltas, int at, BoxWeights weights)
    {
        const float LargestLogScale = 4.135166556742356f; // log(1000 / 16)

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
    /// The deltas that take one box to another, on the host: <see cref="Decode"/> backwards.
    /// <code>dx = wx · (cx' − cx) / w     dw = ww · log(w' / w)     y, h likewise</code>
    /// </summary>
    /// <param name="from">The anchor or proposal; it has an area.</param>
    /// <param name="to">The true box; it has an area.</param>
    /// <param name="weights">The coding's.</param>
    /// <param name="deltas">[4]: dx, dy, dw, dh.</param>
    public static void Encode(Box from, Box to, BoxWeights weights, Span<float> deltas)
    {
        deltas[0] = weights.X * (to.X1 + 0.5f * to.Width - (from.X1 + 0.5f * from.Width)) / from.Width;
        deltas[1] = weights.Y * (to.Y1 + 0.5f * to.Height - (from.Y1 + 0.5f * from.Height)) / from.Height;
        deltas[2] = weights.W * MathF.Log(to.Width / from.Width);
        deltas[3] = weights.H * MathF.Log(to.Height / from.Height);
    }

    /// <summary>The part of a box inside a picture of w × h px.</summary>
    public static Box Clip(Box box, float w, float h) => new(
        XMath.Clamp(box.X1, 0, w), XMath.Clamp(box.Y1, 0, h), XMath.Clamp(box.X2, 0, w), XMath.Clamp(box.Y2, 0, h));
}

/// <summary>What deltas were multiplied by in training: 1, 1, 1, 1 in the RPN; 10, 10, 5, 5 in the box head.</summary>
internal readonly record struct BoxWeights(float X, float Y, float W, float H);
