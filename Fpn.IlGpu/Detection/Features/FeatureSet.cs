using Fpn.IlGpu.Networks;
using Fpn.IlGpu.Runtime;

namespace Fpn.IlGpu.Detection;

/// <summary>
/// The feature maps of a batch of pictures on the device, by name (<see cref="FeatureExtractor"/>). Disposing them returns their memory to
/// the device's pool.
/// </summary>
public sealed class FeatureSet : IDisposable
{
    private readonly Device device;
    private readonly List<(string Name, int Level, Variable Map)> maps;
    private readonly Dictionary<string, DeviceFeatureMap> byName;

    internal FeatureSet(Device device, List<(string Name, int Level, Variable Map)> maps, InputBatch batch)
    {
        this.device = device;
        this.maps = maps;
        Names = [.. maps.Select(map => map.Name)];
        byName = maps.ToDictionary(map => map.Name, map => new DeviceFeatureMap(this, map.Name, 1 << map.Level, map.Map));
        (InputHeight, InputWidth) = (batch.Input.Shape.H, batch.Input.Shape.W);
        Frames = [.. batch.Sizes.Select(size => new PictureFrame(size.W, size.H, size.ResizedW, size.ResizedH))];
    }

    /// <summary>The names of the maps: the backbone's, finest first, then the pyramid's.</summary>
    public IReadOnlyList<string> Names { get; }

    /// <summary>The height of the network's input, in px: that of the highest resized picture, padded.</summary>
    public int InputHeight { get; }

    /// <summary>The width of the network's input, in px.</summary>
    public int InputWidth { get; }

    /// <summary>Where each picture of the batch lies in the input: at its top left, resized.</summary>
    public IReadOnlyList<PictureFrame> Frames { get; }

    /// <summary>A map.</summary>
    /// <param name="name">Its name: <c>C5</c>, <c>P2</c>.</param>
    /// <exception cref="ArgumentException">There is no such map, or it was not asked for.</exception>
    public DeviceFeatureMap this[string name]
    {
        get
        {
            ArgumentNullException.ThrowIfNull(name);
            return byName.GetValueOrDefault(name)
                ?? throw new ArgumentException($"There is no map '{name}'; the maps are {string.Join(", ", Names)}.", nameof(name));
        }
    }

    internal Device Device => device;

    internal bool IsDisposed { get; private set; }

    /// <summary>Returns the maps' memory; kernels of the caller's must be done with it.</summary>
    public void Dispose()
    {
        lock (device.Lock)
        {
            if (IsDisposed)
                return;
            IsDisposed = true;
            foreach (var (_, _, map) in maps)
                map.Release();
        }
    }
}
