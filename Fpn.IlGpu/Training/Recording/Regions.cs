using Fpn.IlGpu.Detection;
using Fpn.IlGpu.Kernels;
using Fpn.IlGpu.Networks;
using Fpn.IlGpu.Runtime;
using Fpn.IlGpu.Tensors;
using ILGPU;

namespace Fpn.IlGpu.Training;

/// <summary>The RoIs of a step, on the device, each with the pyramid level that matches its size.</summary>
internal sealed class Regions : IDisposable
{
    private readonly DeviceArray<RoiLevel> levels;
    private readonly DeviceArray<Box> boxes;
    private readonly DeviceArray<RoiPlace> places;
    private readonly DeviceArray<int> count;

    /// <summary>Copies RoIs to a device.</summary>
    /// <param name="device">The device to hold them.</param>
    /// <param name="boxesInputPx">The RoIs, [R], in input px.</param>
    /// <param name="pictures">The index of each RoI's picture in the batch, [R].</param>
    /// <param name="pyramid">The pyramid to read features from.</param>
    /// <param name="levelCount">The number of levels to read from, counted from the finest.</param>
    /// <param name="inputH">The height of the padded input, in px.</param>
    /// <param name="levelEpsilon">The ε of the level formula; see <see cref="RoiLevels"/>.</param>
    public Regions(
        Device device, ReadOnlySpan<Box> boxesInputPx, ReadOnlySpan<int> pictures, FeatureMaps pyramid, int levelCount, int inputH,
        float levelEpsilon)
    {
        if (boxesInputPx.Length != pictures.Length)
            throw new ArgumentException($"{boxesInputPx.Length} boxes need as many pictures, not {pictures.Length}.", nameof(pictures));
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

    /// <summary>The number of RoIs, R.</summary>
    public int Count { get; }

    /// <summary>The levels, finest first.</summary>
    public IReadOnlyList<RoiLevel> Levels { get; }

    /// <summary>The levels, on the device.</summary>
    public ArrayView<RoiLevel> LevelView => levels.View;

    /// <summary>The RoIs, for kernels.</summary>
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
