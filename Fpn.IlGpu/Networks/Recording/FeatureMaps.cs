using Fpn.IlGpu.Kernels;
using Fpn.IlGpu.Runtime;
using Fpn.IlGpu.Tensors;

namespace Fpn.IlGpu.Networks;

/// <summary>
/// The maps of a pyramid's levels, one after the other in a single device array, so that a kernel can read from any level. Levels have
/// the paper's numbers: 2 for P2. Each map is a variable with a gradient of its own. The array is freed with the last of them.
/// </summary>
internal sealed class FeatureMaps : IDisposable
{
    private readonly int finest;
    private readonly Shape[] shapes;
    private readonly long[] offsets;
    private readonly Variable?[] variables;
    private int shares = 1;
    private bool isDisposed;

    /// <summary>Rents memory for maps of the given shapes.</summary>
    /// <param name="device">The device to rent it on.</param>
    /// <param name="finest">The number of the finest level.</param>
    /// <param name="shapes">The maps' shapes, finest level first.</param>
    public FeatureMaps(Device device, int finest, IReadOnlyList<Shape> shapes)
    {
        this.finest = finest;
        this.shapes = [.. shapes];
        variables = new Variable?[shapes.Count];
        offsets = new long[shapes.Count];
        for (var i = 1; i < shapes.Count; i++)
            offsets[i] = offsets[i - 1] + shapes[i - 1].Length;
        var total = offsets[^1] + shapes[^1].Length;
        if (total > int.MaxValue)
        {
            throw new DeviceException(
                $"The feature maps have {total} values, more than kernels can index (2³¹); use a smaller picture or batch.");
        }
        Values = device.Rent<float>(total);
    }

    /// <summary>All maps' values.</summary>
    public DeviceArray<float> Values { get; }

    /// <summary>The number of the finest level: 2 for P2.</summary>
    public int Finest => finest;

    /// <summary>The number of the coarsest level: usually 6.</summary>
    public int Coarsest => finest + shapes.Length - 1;

    /// <summary>The number of maps.</summary>
    public int Count => shapes.Length;

    /// <summary>The maps' shapes, finest level first.</summary>
    public IReadOnlyList<Shape> Shapes => shapes;

    /// <summary>The segments to rank separately, one for each level of each picture, picture by picture.</summary>
    /// <param name="batch">The number of pictures, N.</param>
    public Segment[] LevelSegments(int batch) => [.. Enumerable.Range(0, batch * Count).Select(s =>
    {
        var (n, i) = (s / Count, s % Count);
        var length = (int)shapes[i].Length / batch;
        return new Segment((int)offsets[i] + n * length, length, 1);
    })];

    /// <summary>The map of a level; the layer that computes it puts it there.</summary>
    public Variable this[int level]
    {
        get => variables[level - finest] ?? throw new InvalidOperationException($"Level {level} has not been computed yet.");
        set => variables[level - finest] = value;
    }

    /// <summary>Returns the memory of a level's map, with a reference to the array that disposing the tensor releases.</summary>
    public Tensor Memory(int level)
    {
        shares++;
        return Tensor.Slice(Values, offsets[level - finest], shapes[level - finest], new Share(this));
    }

    /// <summary>The index of a map's first value in <see cref="Values"/>.</summary>
    public int Offset(int level) => (int)offsets[level - finest];

    /// <summary>Releases the creator's references to the array and to all maps; a tape may still hold some of them.</summary>
    public void Dispose()
    {
        if (isDisposed)
            return;
        isDisposed = true;
        foreach (var variable in variables)
            variable?.Dispose();
        Release();
    }

    private void Release()
    {
        if (--shares == 0)
            Values.Dispose();
    }

    private sealed class Share(FeatureMaps maps) : IDisposable
    {
        public void Dispose() => maps.Release();
    }
}
