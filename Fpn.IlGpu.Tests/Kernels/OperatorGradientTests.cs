using Fpn.IlGpu.Kernels;
using Fpn.IlGpu.Runtime;
using Fpn.IlGpu.Tensors;
using Fpn.IlGpu.Tests.Reference;

namespace Fpn.IlGpu.Tests.Kernels;

/// <summary>
/// Gradients against central differences of the operators' nested loops, within 1e-3 of the largest. Sizes are unfriendly to
/// tiles and vectors, or zero, and results must be bitwise reproducible.
/// </summary>
internal abstract class OperatorGradientTests(string deviceId) : DeviceTests(deviceId)
{
    private const double Tolerance = 1e-3;

    protected static void Check(float[] actual, float[] expected)
        => Comparison.AssertClose(actual, expected, Tolerance * Math.Max(1e-3, expected.Max(MathF.Abs)), 0);

    /// <summary>Shuffled values, far enough apart that a step doesn't change which one is the largest.</summary>
    protected static float[] Distinct(int count, int seed)
    {
        float[] values = [.. Enumerable.Range(0, count).Select(i => i * 0.01f)];
        new Random(seed).Shuffle(values);
        return values;
    }

    protected static double[] Double(float[] values) => Array.ConvertAll(values, v => (double)v);

    protected void WithRois(float[] boxes, int[] pictures, int live, Action<RoiList> use)
    {
        using var deviceBoxes = Device.Upload<Box>([.. boxes.Chunk(4).Select(b => new Box(b[0], b[1], b[2], b[3]))]);
        using var places = Device.Upload<RoiPlace>([.. pictures.Select(n => new RoiPlace(n, 0))]);
        using var count = Device.Upload<int>([live]);
        use(new RoiList(deviceBoxes.View, places.View, count.View));
    }

    protected Tensor Zeros(Shape shape) => Tensor.Upload(Device, shape, new float[shape.Length]);
}
