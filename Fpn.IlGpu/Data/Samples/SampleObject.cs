using Fpn.IlGpu.Imaging;
using Fpn.IlGpu.Tensors;

namespace Fpn.IlGpu.Data;

/// <summary>An object of a training sample.</summary>
/// <param name="BoxInputPx">The box in the network's input before padding, in px.</param>
/// <param name="ClassIndex">The class, from 0; without a background.</param>
/// <param name="IsIgnored">Whether it is a crowd or too difficult: learned neither as an object nor as background.</param>
internal readonly record struct SampleObject(Box BoxInputPx, int ClassIndex, bool IsIgnored = false)
{
    /// <summary>
    /// The object's pixels in the sample's picture, which is cropped and mirrored or not, but not resized yet. Null if masks are not loaded
    /// (<see cref="SampleLoaderOptions.WithMasks"/>), if the data have none for this object, or if it is ignored.
    /// </summary>
    public ObjectMask? Mask { get; init; }
}
