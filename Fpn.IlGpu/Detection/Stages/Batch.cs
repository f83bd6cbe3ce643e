using Fpn.IlGpu.Imaging;

namespace Fpn.IlGpu.Detection;

/// <summary>Checks the pictures that a caller gives.</summary>
internal static class Batch
{
    /// <summary>Throws if a picture of a batch is null.</summary>
    /// <param name="pictures">The batch.</param>
    /// <param name="parameter">The name of the caller's parameter.</param>
    /// <exception cref="ArgumentException">A picture is null; the message has its index.</exception>
    public static void Check(IReadOnlyList<RgbImage> pictures, string parameter)
    {
        for (var n = 0; n < pictures.Count; n++)
        {
            if (pictures[n] is null)
                throw new ArgumentException($"Picture {n} of the batch is null; leave it out.", parameter);
        }
    }

    /// <summary>Throws if a frame has no pixels.</summary>
    /// <param name="frame">The frame.</param>
    /// <param name="parameter">The name of the caller's parameter.</param>
    /// <exception cref="ArgumentException">It has none.</exception>
    public static void Check(PixelFrame frame, string parameter)
    {
        if (frame.Width == 0)
            throw new ArgumentException("The frame is default(PixelFrame), which has no pixels.", parameter);
    }
}
