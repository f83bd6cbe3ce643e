using Fpn.IlGpu.Kernels;
using Fpn.IlGpu.Runtime;
using Fpn.IlGpu.Tensors;

namespace Fpn.IlGpu.Networks;

/// <summary>
/// Maps of several sizes, one after the other in a single device array, so that a kernel can read from any level.
/// </summary>
internal sealed class FeatureMaps : IDisposable
{
    private readonly Tensor[] maps;
    private readonly long[] offsets;

    /// <summary>Rents memory for maps of the given shapes.</summary>
    public FeatureMaps(Device device, IReadOnlyList<Shape> shapes)
    {
        offsets = new long[shapes.Count];
        for (var l = 1; l < shapes.Count; l++)
            offsets[l] = offsets[l - 1] + shapes[l - 1].Length;
        var total = offsets[^1] + shapes[^1].Length;
        if (total > int.MaxValue)
        {
            throw new DeviceException(
                $"The feature maps have {total} values, more than kernels can index (2³¹); use a smaller picture or batch.");
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

    /// <summary>The segments to rank separately, one for each level of each picture, picture by picture.</summary>
    /// <param name="batch">The number of pictures, N.</param>
    public Segment[] LevelSegments(int batch) => [.. Enumerable.Range(0, batch * Count).Select(s =>
    {
        var (n, l) = (s / Count, s % Count);
        var length = (int)maps[l].Shape.Length / batch;
        return new Segment((int)offsets[l] + n * length, length, 1);
    })];

    /// <summary>The map of a level; 0 is the finest.</summary>
    public Tensor this[int level] => maps[level];

    /// <summary>The index of a map's first value in <see cref="Values"/>.</summary>
    public int Offset(int level) => (int)offsets[level];

    /// <inheritdoc/>
    public void Dispose() => Values.Dispose();
}
