using ILGPU;

namespace Fpn.IlGpu.Kernels;

/// <summary>A place in a convolution's window and a channel of its group: one of the D values that each output sees.</summary>
internal readonly record struct WindowPlace(int Y, int X, int C)
{
    /// <summary>Returns the d-th place. Channels change fastest.</summary>
    public static WindowPlace Of(int d, ConvolutionSizes sizes)
    {
        var position = d / sizes.ChannelGroupInputC;
        var y = position / sizes.KernelW;
        return new WindowPlace(y, position - y * sizes.KernelW, d - position * sizes.ChannelGroupInputC);
    }

    /// <summary>Returns the place count values further on; past the last one, it is below the window.</summary>
    public WindowPlace Skip(int count, ConvolutionSizes sizes)
    {
        var (y, x, c) = (Y, X, C + count);
        while (c >= sizes.ChannelGroupInputC)
        {
            c -= sizes.ChannelGroupInputC;
            x++;
            if (x == sizes.KernelW)
            {
                x = 0;
                y++;
            }
        }
        return new WindowPlace(y, x, c);
    }
}

/// <summary>
/// The input as an output pixel sees it through its window, with zeros outside the map: one row of the implicit matrix.
/// </summary>
/// <param name="Start">Index of the picture's first value in the channel group.</param>
/// <param name="Y">The input row where the window begins, which may be outside the map.</param>
/// <param name="X">The input column where the window begins, which may be outside the map.</param>
internal readonly record struct WindowReader(int Start, int Y, int X)
{
    private const int FarOutside = int.MinValue / 2;

    /// <summary>Returns the reader of the m-th output pixel. Past the last pixel, it sees zeros.</summary>
    public static WindowReader Of(int m, int pixels, int channelGroup, ConvolutionSizes sizes)
    {
        var x = m % sizes.OutputW;
        var y = m / sizes.OutputW % sizes.OutputH;
        var n = m / sizes.OutputW / sizes.OutputH;
        return new WindowReader(
            n * sizes.InputH * sizes.InputW * sizes.InputC + channelGroup * sizes.ChannelGroupInputC,
            m < pixels ? y * sizes.StrideY - sizes.PaddingY : FarOutside,
            x * sizes.StrideX - sizes.PaddingX);
    }

    /// <summary>Returns a value's index in the input, or −1 outside the map.</summary>
    public int IndexOf(WindowPlace place, ConvolutionSizes sizes)
    {
        var y = Y + place.Y * sizes.DilationY;
        var x = X + place.X * sizes.DilationX;
        var inside = (place.Y < sizes.KernelH) & (y >= 0) & (y < sizes.InputH) & (x >= 0) & (x < sizes.InputW);
        return inside ? Start + (y * sizes.InputW + x) * sizes.InputC + place.C : -1;
    }

    /// <summary>Reads one value.</summary>
    public float Read(ArrayView<float> input, WindowPlace place, ConvolutionSizes sizes)
    {
        var i = IndexOf(place, sizes);
        return i < 0 ? 0 : input[i];
    }

    /// <summary>Reads four values from a place on, in one load if byFours says that they are contiguous and aligned to 16 bytes.</summary>
    public Float4 ReadFour(ArrayView<float> input, WindowPlace place, ConvolutionSizes sizes, int byFours)
    {
        if (byFours == 0)
        {
            var four = default(Float4);
            for (var j = 0; j < 4; j++)
            {
                four = new Float4(four.Y, four.Z, four.W, Read(input, place, sizes));
                place = place.Skip(1, sizes);
            }
            return four;
        }
        var i = IndexOf(place, sizes);
        return i < 0 ? default : input.Cast<Float4>()[i / 4];
    }
}
