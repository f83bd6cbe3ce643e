using Fpn.IlGpu.Imaging;

namespace Fpn.IlGpu.Data;

/// <summary>A picture to train on. It is resized on the device, where it also becomes numbers.</summary>
/// <param name="Image">The picture, mirrored if it is to be.</param>
/// <param name="ResizedH">Height of the network's input that it becomes, before padding, in px.</param>
/// <param name="ResizedW">Width of that, in px.</param>
/// <param name="Objects">What is in it, in px of that input.</param>
/// <param name="Index">Which picture of its source it is.</param>
public sealed record TrainingSample(RgbImage Image, int ResizedH, int ResizedW, IReadOnlyList<SampleObject> Objects, int Index)
{
    /// <summary>Whether it was mirrored left to right.</summary>
    public bool IsMirrored { get; init; }
}

/// <summary>The pictures of one step.</summary>
/// <param name="Step">From 0.</param>
/// <param name="Epoch">How many times all pictures were gone through before, from 0.</param>
/// <param name="Samples">As many as a batch has.</param>
public sealed record SampleBatch(long Step, long Epoch, IReadOnlyList<TrainingSample> Samples);
