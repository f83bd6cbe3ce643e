using Fpn.IlGpu.Runtime;
using Fpn.IlGpu.Tensors;
using ILGPU;

namespace Fpn.IlGpu.Kernels;

/// <summary>
/// Turns a picture's 8-bit pixels into the network's input: bilinear resizing with half-pixel centres and without antialiasing, then
/// <c>value · scale + offset</c> for each channel, which is (value / 255 − mean) / std, then zeros up to the padded size. torchvision's
/// GeneralizedRCNNTransform normalises first, which is equivalent, as both steps are linear.
/// <code>
/// source y = (y + ½) · H / h − ½, clamped to the picture; x likewise
/// out = mix of the four neighbours
/// </code>
/// </summary>
internal static class Preprocess
{
    /// <summary>Resizes and normalises one picture of the batch.</summary>
    /// <param name="device">The device that holds all arrays.</param>
    /// <param name="pixels">[H, W, 3], 8-bit RGB.</param>
    /// <param name="picture">H and W of the picture before and after resizing, in px.</param>
    /// <param name="channels">The scale and offset of each channel.</param>
    /// <param name="n">The picture's number in the batch.</param>
    /// <param name="output">[N, padded H, padded W, 3].</param>
    public static void Run(
        Device device, ArrayView<byte> pixels, ResizedPicture picture, ChannelScaling channels, int n, Tensor output)
        => Run(device, pixels, PixelLayout.Rgb(picture.W), picture, channels, n, output);

    /// <summary>As above, for pixels in any order.</summary>
    /// <param name="device">The device that holds all arrays.</param>
    /// <param name="pixels">The 8-bit pixels.</param>
    /// <param name="layout">Where a pixel's channels are.</param>
    /// <param name="picture">H and W of the picture before and after resizing, in px.</param>
    /// <param name="channels">The scale and offset of each channel.</param>
    /// <param name="n">The picture's number in the batch.</param>
    /// <param name="output">[N, padded H, padded W, 3].</param>
    public static void Run(
        Device device, ArrayView<byte> pixels, PixelLayout layout, ResizedPicture picture, ChannelScaling channels, int n, Tensor output)
    {
        var count = output.Shape.H * output.Shape.W;
        var grain = Grain.For(device, count, 1);
        var sizes = new Sizes(picture, output.Shape.H, output.Shape.W, n * count);
        device.Launch(Kernel, grain.Threads(count, 1), pixels, layout, sizes, channels, grain, output.View);
    }

    /// <summary>One thread = some output pixels, all three channels of each.</summary>
    internal static void Kernel(
        Index1D index, ArrayView<byte> pixels, PixelLayout layout, Sizes sizes, ChannelScaling channels, Grain grain, ArrayView<float> output)
    {
        var picture = sizes.Picture;
        var ratioY = (float)picture.H / picture.ResizedH;
        var ratioX = (float)picture.W / picture.ResizedW;
        var end = IntrinsicMath.Min((index + 1) * grain.Pixels, sizes.PaddedH * sizes.PaddedW);
        for (var i = index * grain.Pixels; i < end; i++)
        {
            var x = i % sizes.PaddedW;
            var y = i / sizes.PaddedW;
            var to = (sizes.FirstPixel + i) * 3;
            if (x >= picture.ResizedW || y >= picture.ResizedH)
            {
                output[to] = 0;
                output[to + 1] = 0;
                output[to + 2] = 0;
                continue;
            }
            var sourceY = IntrinsicMath.Max((y + 0.5f) * ratioY - 0.5f, 0);
            var sourceX = IntrinsicMath.Max((x + 0.5f) * ratioX - 0.5f, 0);
            var y0 = IntrinsicMath.Min((int)sourceY, picture.H - 1);
            var x0 = IntrinsicMath.Min((int)sourceX, picture.W - 1);
            var row0 = y0 * layout.RowBytes;
            var row1 = IntrinsicMath.Min(y0 + 1, picture.H - 1) * layout.RowBytes;
            var left = x0 * layout.PixelBytes;
            var right = IntrinsicMath.Min(x0 + 1, picture.W - 1) * layout.PixelBytes;
            var mixY = sourceY - y0;
            var mixX = sourceX - x0;
            for (var c = 0; c < 3; c++)
            {
                var at = layout.Offset(c);
                var upper = pixels[row0 + left + at] * (1 - mixX) + pixels[row0 + right + at] * mixX;
                var lower = pixels[row1 + left + at] * (1 - mixX) + pixels[row1 + right + at] * mixX;
                var value = upper * (1 - mixY) + lower * mixY;
                var channel = channels.Bgr != 0 ? 2 - c : c;
                output[to + channel] = value * channels.Scale(channel) + channels.Offset(channel);
            }
        }
    }

    internal readonly record struct Sizes(ResizedPicture Picture, int PaddedH, int PaddedW, int FirstPixel);
}

/// <summary>Where the channels of a picture's pixels are: the bytes of a pixel and of a row, and the index of each channel in a pixel.</summary>
internal readonly record struct PixelLayout(int PixelBytes, int RowBytes, int Red, int Green, int Blue)
{
    /// <summary>[H, W, 3], RGB.</summary>
    public static PixelLayout Rgb(int width) => new(3, width * 3, 0, 1, 2);

    /// <summary>The index of a channel, 0 for red, in the bytes of a pixel.</summary>
    public int Offset(int channel) => channel == 0 ? Red : channel == 1 ? Green : Blue;
}

/// <summary>A picture's size before and after resizing, in px.</summary>
internal readonly record struct ResizedPicture(int H, int W, int ResizedH, int ResizedW);

/// <summary>
/// input[c] = value · scale[c] + offset[c], with channels in the network's order. Bgr is 1 if that order is BGR; otherwise 0.
/// </summary>
internal readonly record struct ChannelScaling(
    float Scale0, float Scale1, float Scale2, float Offset0, float Offset1, float Offset2, int Bgr)
{
    public float Scale(int channel) => channel == 0 ? Scale0 : channel == 1 ? Scale1 : Scale2;

    public float Offset(int channel) => channel == 0 ? Offset0 : channel == 1 ? Offset1 : Offset2;
}
