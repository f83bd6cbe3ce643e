using Fpn.IlGpu.Runtime;
using Fpn.IlGpu.Tensors;
using ILGPU;

namespace Fpn.IlGpu.Detection;

/// <summary>Regions of a batch of pictures on the device: picture after picture, each picture's best first.</summary>
internal sealed class RoiSet(Device device, int batch, int capacityPerPicture) : IDisposable
{
    /// <summary>Copies regions to a device; the caller disposes the set.</summary>
    /// <param name="device">The device to hold them.</param>
    /// <param name="boxesInputPx">The regions, [R], in input px.</param>
    /// <param name="pictures">The index of each region's picture in the batch, [R], ascending.</param>
    public static RoiSet Of(Device device, ReadOnlySpan<Box> boxesInputPx, ReadOnlySpan<int> pictures)
    {
        if (boxesInputPx.Length != pictures.Length)
            throw new ArgumentException($"{boxesInputPx.Length} boxes need as many pictures, not {pictures.Length}.", nameof(pictures));
        var set = new RoiSet(device, batch: 1, boxesInputPx.Length);
        set.Boxes.Upload(boxesInputPx);
        set.Pictures.Upload(pictures);
        set.PerPicture.Upload([boxesInputPx.Length]);
        set.Total.Upload([boxesInputPx.Length]);
        return set;
    }

    /// <summary>The most regions that the set can hold.</summary>
    public int Capacity { get; } = batch * capacityPerPicture;

    /// <summary>The most regions that one picture can have.</summary>
    public int CapacityPerPicture { get; } = capacityPerPicture;

    /// <summary>[Capacity]: the boxes, in input px.</summary>
    public DeviceArray<Box> Boxes { get; } = device.Rent<Box>(batch * capacityPerPicture);

    /// <summary>[Capacity]: objectness, 0…1.</summary>
    public DeviceArray<float> Scores { get; } = device.Rent<float>(batch * capacityPerPicture);

    /// <summary>[Capacity]: the index of each region's picture in the batch.</summary>
    public DeviceArray<int> Pictures { get; } = device.Rent<int>(batch * capacityPerPicture);

    /// <summary>[N]: the number of regions of each picture.</summary>
    public DeviceArray<int> PerPicture { get; } = device.Rent<int>(batch);

    /// <summary>[1]: the number of regions of all pictures.</summary>
    public DeviceArray<int> Total { get; } = device.Rent<int>(1);

    /// <summary>The arrays, for kernels.</summary>
    public Rois View => new(Boxes.View, Scores.View, Pictures.View, Total.View);

    /// <inheritdoc/>
    public void Dispose()
    {
        Boxes.Dispose();
        Scores.Dispose();
        Pictures.Dispose();
        PerPicture.Dispose();
        Total.Dispose();
    }
}

/// <summary>The arrays of a <see cref="RoiSet"/>, as kernels see them.</summary>
internal readonly record struct Rois(ArrayView<Box> Boxes, ArrayView<float> Scores, ArrayView<int> Pictures, ArrayView<int> Total);
