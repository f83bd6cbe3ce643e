using Fpn.IlGpu.Networks;
using Fpn.IlGpu.Tensors;
using ILGPU;

namespace Fpn.IlGpu.Detection;

/// <summary>A feature map in the device's memory: float32, [N, H, W, C], channels last. It lives as long as its <see cref="FeatureSet"/>.</summary>
public sealed class DeviceFeatureMap
{
    private readonly FeatureSet set;
    private readonly Variable map;

    internal DeviceFeatureMap(FeatureSet set, string name, int stridePx, Variable map)
    {
        this.set = set;
        this.map = map;
        Name = name;
        StridePx = stridePx;
    }

    /// <summary>Its name: <c>P4</c>.</summary>
    public string Name { get; }

    /// <summary>Its shape: pictures, rows, columns, channels.</summary>
    public Shape Shape => map.Shape;

    /// <summary>The distance of neighbouring positions, in px of the network's input: 16 for P4.</summary>
    public int StridePx { get; }

    /// <summary>
    /// The values, [N, H, W, C], for kernels of your own on <see cref="Runtime.Device.Accelerator"/>. They are complete: any stream may
    /// read them, and must be done before the <see cref="FeatureSet"/> is disposed.
    /// </summary>
    /// <exception cref="ObjectDisposedException">The set was disposed.</exception>
    public ArrayView<float> View
    {
        get
        {
            ObjectDisposedException.ThrowIf(set.IsDisposed, set);
            return map.Value.View;
        }
    }

    /// <summary>Copies the map to the host.</summary>
    /// <exception cref="ObjectDisposedException">The set was disposed.</exception>
    /// <exception cref="Runtime.DeviceException">The device failed.</exception>
    public FeatureMap ToHost()
    {
        lock (set.Device.Lock)
        {
            ObjectDisposedException.ThrowIf(set.IsDisposed, set);
            return new FeatureMap(Name, Shape, StridePx, FeatureLayout.ChannelsLast, set.Device.Guard(map.Value.ToArray));
        }
    }

    /// <summary>Its name and shape: <c>P4 [1, 50, 84, 256]</c>.</summary>
    public override string ToString() => $"{Name} {Shape}";
}
