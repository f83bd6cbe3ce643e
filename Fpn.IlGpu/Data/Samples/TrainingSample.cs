using Fpn.IlGpu.Imaging;

namespace Fpn.IlGpu.Data;

/// <summary>A training picture. It is resized and converted to float on the device.</summary>
/// <param name="Image">The picture, already cropped and mirrored if it should be.</param>
/// <param name="ResizedH">The height of the resized picture, which is the network's input before padding, in px.</param>
/// <param name="ResizedW">The width of the resized picture, in px.</param>
/// <param name="Objects">The objects, in px of the resized picture.</param>
/// <param name="Index">The picture's index in its source.</param>
internal sealed record TrainingSample(RgbImage Image, int ResizedH, int ResizedW, IReadOnlyList<SampleObject> Objects, int Index)
{
    /// <summary>Whether it was mirrored left to right.</summary>
    public bool IsMirrored { get; init; }

    /// <summary>The part of the original picture that it shows, in px of that; null for all of it.</summary>
    internal PixelRectangle? Part { get; init; }
}

/// <summary>The pictures of one step.</summary>
/// <param name="Step">The step, from 0.</param>
/// <param name="Epoch">The epoch, from 0.</param>
/// <param name="Samples">The samples, as many as the batch size.</param>
internal sealed record SampleBatch(long Step, long Epoch, IReadOnlyList<TrainingSample> Samples);
