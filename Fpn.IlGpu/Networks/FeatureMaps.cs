using Fpn.IlGpu.Kernels;
using Fpn.IlGpu.Runtime;
using Fpn.IlGpu.Tensors;

namespace Fpn.IlGpu.Networks;

/// <summary>
/// Maps of several sizes in one device array, one after the other, so that a kernel can read from whichever level it
/// needs.
/// </summary>
internal sealed class FeatureMaps : IDisposable
{
    private readonly Tensor[] maps;
    private readonly long[] offsets;

    /// <summary>Rents memory for maps of given shapes.</summary>
    public FeatureMaps(Device device, IReadOnlyList<Shape> shapes)
    {
        offsets = new long[shapes.Count];
        for (var l = 1; l < shapes.Count; l++)
            offsets[l] = offsets[l - 1] + shapes[l - 1].Length;
        var total = offsets[^1] + shapes[^1].Length;
        if (total > int.MaxValue)
        {
            throw new DeviceException(
                $"Maps of {total} values are more than kernels can index (2³¹); a smaller picture or batch would help.");
        }
        Values = device.Rent<float>(total);
        maps = [.. shapes.Select((shape, l) => Tensor.Slice(Values, offsets[l], shape))];
    }

    /// <summary>All maps' values.</summary>
    public DeviceArray<float> Values { get; }

    /// <summary>The number of maps.</summary>
    public int Count => maps.Length;

    /// <summary>The maps' shapes, finest first.</summary>
    public IReadOnlyList<Shape> Shapes => [.. maps.Select(m => m.Shape)];

    /// <summary>Each level of each picture of a batch as values that are ranked among themselves, picture by picture.</summary>
    /// <param name="batch">N.</param>
    public Segment[] LevelSegments(int batch) => [.. Enumerable.Range(0, batch * Count).Select(s =>
    {
        var (n, l) = (s / Count, s % Count);
        var length = (int)maps[l].Shape.Length / batch;
        return new Segment((int)offsets[l] + n * length, length, 1);
    })];

    /// <summary>A map; 0 is the finest.</summary>
    public Tensor this[int level] => maps[level];

    /// <summary>Where a map begins in <see cref="Values"/>.</summary>
    public int Offset(int level) => (int)offsets[level];

    /// <inheritdoc/>
    public void Dispose() => Values.Dispose();
}
