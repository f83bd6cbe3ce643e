using Fpn.IlGpu.Imaging;
using Fpn.IlGpu.Kernels;
using Fpn.IlGpu.Runtime;
using Fpn.IlGpu.Tensors;
using Fpn.IlGpu.Weights;

namespace Fpn.IlGpu.Detection;

/// <summary>
/// Turns pictures into the network's input: resizes and normalises each one, and pads all to the largest height and width. Both are
/// rounded up to a multiple of 32 px, so that the size of every pyramid level is a whole number.
/// </summary>
internal sealed class InputTransform(Device device, ModelConfiguration configuration)
{
    private readonly ChannelScaling channels = Scaling(configuration);

    /// <summary>Makes the input of a batch at the configured size.</summary>
    public InputBatch Run(IReadOnlyList<PixelFrame> pictures) => Run(pictures, configuration.MinSize);

    /// <summary>Makes the input of a batch, with pictures resized to the given length of the shorter side, in px.</summary>
    public InputBatch Run(IReadOnlyList<PixelFrame> pictures, int minSize)
        => Run(pictures, [.. pictures.Select(p => Resized(p.Height, p.Width, minSize))]);

    /// <summary>Makes the input of a batch, with each picture resized to its given size.</summary>
    public InputBatch Run(IReadOnlyList<PixelFrame> pictures, ResizedPicture[] sizes)
    {
        var (height, width) = Padded(sizes);
        var batch = new InputBatch(
            Tensor.Rent(device, new Shape(pictures.Count, height, width, 3)), device.Upload<ResizedPicture>(sizes), sizes);
        for (var n = 0; n < pictures.Count; n++)
        {
            var frame = pictures[n];
            var (red, green, blue) = frame.Format.Offsets();
            var layout = new PixelLayout(frame.Format.BytesPerPixel(), frame.StrideBytes, red, green, blue);
            using var pixels = device.Upload(frame.Pixels.Span);
            if (configuration.ResizeAntialias)
                AntialiasedPreprocess.Run(device, pixels.View, layout, sizes[n], channels, n, batch.Input);
            else
                Preprocess.Run(device, pixels.View, layout, sizes[n], channels, n, batch.Input);
        }
        return batch;
    }

    /// <summary>The height and width of the input for a batch, in px.</summary>
    public (int H, int W) InputSize(IReadOnlyList<RgbImage> pictures)
        => Padded([.. pictures.Select(p => Resized(p.Height, p.Width, configuration.MinSize))]);

    private (int H, int W) Padded(ResizedPicture[] sizes) => (RoundUp(sizes.Max(s => s.ResizedH)), RoundUp(sizes.Max(s => s.ResizedW)));

    private ResizedPicture Resized(int height, int width, int minSize)
    {
        // The configured limit of the longer side belongs to the configured shorter side; it scales with the shorter side.
        var maxSize = (int)((long)configuration.MaxSize * minSize / configuration.MinSize);
        var (h, w) = ResizedSize.Of(height, width, minSize, Math.Max(1, maxSize), configuration.ResizeRounds);
        return new ResizedPicture(height, width, h, w);
    }

    private int RoundUp(int size)
        => Division.CeilDiv(size, configuration.SizeDivisor) * configuration.SizeDivisor;

    /// <summary>The factor and offset of each channel.</summary>
    public static ChannelScaling Scaling(ModelConfiguration c)
    {
        var scale = c.Std.Select(std => c.PixelScale / std).ToArray();
        var offset = c.Mean.Zip(c.Std, (mean, std) => -mean / std).ToArray();
        return new ChannelScaling(scale[0], scale[1], scale[2], offset[0], offset[1], offset[2], c.Bgr ? 1 : 0);
    }
}

/// <summary>The network's input, and the sizes that map its px back to each picture's.</summary>
/// <param name="Input">The input, [N, H, W, 3].</param>
/// <param name="Pictures">The size of each picture, [N], on the device.</param>
/// <param name="Sizes">The same sizes on the host, [N].</param>
internal sealed record InputBatch(Tensor Input, DeviceArray<ResizedPicture> Pictures, ResizedPicture[] Sizes) : IDisposable
{
    /// <inheritdoc/>
    public void Dispose()
    {
        Input.Dispose();
        Pictures.Dispose();
    }
}
