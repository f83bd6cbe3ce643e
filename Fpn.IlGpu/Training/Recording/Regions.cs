using Fpn.IlGpu.Detection;
using Fpn.IlGpu.Kernels;
using Fpn.IlGpu.Networks;
using Fpn.IlGpu.Runtime;
using Fpn.IlGpu.Tensors;
using ILGPU;

namespace Fpn.IlGpu.Training;

/// <summary>The RoIs of a step, on the device, each with the level that its size calls for.</summary>
internal sealed class Regions : IDisposable
{
    private readonly DeviceArray<RoiLevel> levels;
    private readonly DeviceArray<Box> boxes;
    private readonly DeviceArray<RoiPlace> places;
    private readonly DeviceArray<int> count;

    /// <summary>Puts them on a device.</summary>
    /// <param name="device">Where to.</param>
    /// <param name="boxesInputPx">[R].</param>
    /// <param name="pictures">[R]: which picture of the batch.</param>
    /// <param name="pyramid">What they are read from.</param>
    /// <param name="levelCount">From how many of its levels, the finest.</param>
    /// <param name="inputH">Height of the padded input, in px.</param>
    /// <param name="levelEpsilon">See <see cref="RoiLevels"/>.</param>
    public Regions(
        Device device, ReadOnlySpan<Box> boxesInputPx, ReadOnlySpan<int> pictures, FeatureMaps pyramid, int levelCount, int inputH,
        float levelEpsilon)
    {
        if (boxesInputPx.Length != pictures.Length)
            throw new ArgumentException($"{boxesInputPx.Length} boxes are not of {pictures.Length} pictures.", nameof(pictures));
        var table = RoiFeatures.Levels(pyramid, levelCount, inputH);
        Levels = table;
        Count = boxesInputPx.Length;
        levels = device.Upload<RoiLevel>(table);
        boxes = device.Upload(boxesInputPx);
        places = device.Rent<RoiPlace>(Count);
        count = device.Upload<int>([Count]);
        using var owners = device.Upload(pictures);
        RoiLevels.Run(device, boxes.View, owners.View, count.View, RoiFeatures.Range(table, levelEpsilon), places.View);
    }

    /// <summary>R.</summary>
    public int Count { get; }

    /// <summary>The levels, finest first.</summary>
    public IReadOnlyList<RoiLevel> Levels { get; }

    /// <summary>The levels, on the device.</summary>
    public ArrayView<RoiLevel> LevelView => levels.View;

    /// <summary>What kernels read.</summary>
    public RoiList View => new(boxes.View, places.View, count.View);

    /// <inheritdoc/>
    public void Dispose()
    {
        levels.Dispose();
        boxes.Dispose();
        places.Dispose();
        count.Dispose();
    }
}
