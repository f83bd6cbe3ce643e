using Fpn.IlGpu.Tensors;
using ILGPU;
using ILGPU.Algorithms;

namespace Fpn.IlGpu.Course.Solutions;

/// <summary>Anchors, encoding and decoding.</summary>
public static class Chapter08
{
    /// <summary>Returns anchor i of a level, in input px.</summary>
    public static Box Anchor(int i, AnchorGrid grid)
    {
        var ratio = i % 3 == 0 ? 0.5f : i % 3;
        var x = i / 3 % grid.W * grid.StridePx;
        var y = i / 3 / grid.W * grid.StridePx;
        var root = XMath.Sqrt(ratio);
        var halfW = grid.SizePx / root / 2;
        var halfH = grid.SizePx * root / 2;
        return new Box(
            x + XMath.RoundToEven(-halfW), y + XMath.RoundToEven(-halfH), x + XMath.RoundToEven(halfW), y + XMath.RoundToEven(halfH));
    }

    /// <summary>Moves a box by deltas.</summary>
    public static Box Decode(Box from, Deltas deltas)
    {
        const float Largest = 4.135166556742356f;
        var centreX = from.X1 + from.Width / 2 + deltas.X * from.Width;
        var centreY = from.Y1 + from.Height / 2 + deltas.Y * from.Height;
        var halfW = from.Width * XMath.Exp(XMath.Min(deltas.W, Largest)) / 2;
        var halfH = from.Height * XMath.Exp(XMath.Min(deltas.H, Largest)) / 2;
        return new Box(centreX - halfW, centreY - halfH, centreX + halfW, centreY + halfH);
    }

    /// <summary>Returns the deltas that take one box to another.</summary>
    public static Deltas Encode(Box from, Box to) => new(
        (to.X1 + to.Width / 2 - (from.X1 + from.Width / 2)) / from.Width,
        (to.Y1 + to.Height / 2 - (from.Y1 + from.Height / 2)) / from.Height,
        XMath.Log(to.Width / from.Width),
        XMath.Log(to.Height / from.Height));

    /// <summary>One thread = one anchor i: its decoded box.</summary>
    public static void Kernel(Index1D index, GlobalView<float> deltas, AnchorGrid grid, GlobalView<Box> boxes)
    {
        var at = index * 4;
        boxes[index] = Decode(Anchor(index, grid), new Deltas(deltas[at], deltas[at + 1], deltas[at + 2], deltas[at + 3]));
    }
}
