using Fpn.IlGpu.Runtime;
using Fpn.IlGpu.Tensors;
using ILGPU;

namespace Fpn.IlGpu.Detection;

/// <summary>Regions of a batch of pictures, on the device: one picture's after the other's, best first.</summary>
internal sealed class RoiSet(Device device, int batch, int capacityPerPicture) : IDisposable
{
    /// <summary>The most there can be.</summary>
    public int Capacity { get; } = batch * capacityPerPicture;

    /// <summary>The most there can be of one picture.</summary>
    public int CapacityPerPicture { get; } = capacityPerPicture;

    /// <summary>[Capacity], in input px.</summary>
    public DeviceArray<Box> Boxes { get; } = device.Rent<Box>(batch * capacityPerPicture);

    /// <summary>[Capacity]: objectness, 0…1.</summary>
    public DeviceArray<float> Scores { get; } = device.Rent<float>(batch * capacityPerPicture);

    /// <summary>[Capacity]: which picture of the batch.</summary>
    public DeviceArray<int> Pictures { get; } = device.Rent<int>(batch * capacityPerPicture);

    /// <summary>[N]: how many each picture has.</summary>
    public DeviceArray<int> PerPicture { get; } = device.Rent<int>(batch);

    /// <summary>[1]: how many there are.</summary>
    public DeviceArray<int> Total { get; } = device.Rent<int>(1);

    /// <summary>What kernels fill.</summary>
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
