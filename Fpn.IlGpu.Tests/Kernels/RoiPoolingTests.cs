using Fpn.IlGpu.Kernels;
using Fpn.IlGpu.Tensors;
using Fpn.IlGpu.Tests.Reference;
using Fpn.IlGpu.Verification;

namespace Fpn.IlGpu.Tests.Kernels;

/// <summary>RoIAlign and RoI max pooling over two levels and two pictures, against nested loops over each level.</summary>
public sealed class RoiPoolingTests(string deviceId) : DeviceTests(deviceId)
{
    private const int Pictures = 2;
    private static readonly RoiLevel[] Levels = [new(0, 12, 15, 0.25f), new(0, 6, 8, 0.125f)];

    [Test]
    public void Roi_align_agrees_with_nested_loops(
        [Values(3, 64, 91)] int channels, [Values(0, 1, 2)] int samples, [Values] bool aligned, [Values(1, 7)] int bins)
        => Check(
            channels, bins, 23, 23,
            (levels, features, rois, output) => RoiAlign.Run(Device, levels, features, rois, samples, aligned, output),
            (map, boxes, pictures, shape, scale)
                => RoiAlignReference.Run(map, boxes, pictures, shape, scale, (bins, bins), samples, aligned));

    [Test]
    public void Roi_max_pool_agrees_with_nested_loops([Values(3, 64, 91)] int channels, [Values(1, 7)] int bins)
        => Check(channels, bins, 23, 23, (levels, features, rois, output) => RoiMaxPool.Run(Device, levels, features, rois, output),
            (map, boxes, pictures, shape, scale) => RoiMaxPoolReference.Run(map, boxes, pictures, shape, scale, (bins, bins)));

    [TestCase(0)]
    [TestCase(5)]
    public void Rois_beyond_the_count_are_left_alone(int live)
        => Check(16, 7, 9, live, (levels, features, rois, output) => RoiAlign.Run(Device, levels, features, rois, 2, false, output),
            (map, boxes, pictures, shape, scale) => RoiAlignReference.Run(map, boxes, pictures, shape, scale, (7, 7), 2, false));

    private void Check(
        int channels, int bins, int count, int live,
        Action<ILGPU.ArrayView<RoiLevel>, ILGPU.ArrayView<float>, RoiList, Tensor> run,
        Func<float[], float[], int[], Shape4, float, float[]> reference)
    {
        const float Untouched = -77;
        var shapes = Levels.Select(l => new Shape4(Pictures, l.H, l.W, channels)).ToArray();
        var maps = shapes.Select((s, i) => CaseValues.Uniform(s.Count, i)).ToArray();
        RoiLevel[] table = [Levels[0], Levels[1] with { First = shapes[0].Count }];
        var boxes = CaseValues.Boxes(count, 5, 60, 48);
        RoiPlace[] places = [.. Enumerable.Range(0, count).Select(i => new RoiPlace(i % Pictures, i / 2 % 2))];
        int[] pictures = [.. places.Select(p => p.Picture)];

        using var features = Device.Upload<float>([.. maps[0], .. maps[1]]);
        using var levels = Device.Upload<RoiLevel>(table);
        using var deviceBoxes = Device.Upload<Box>([.. boxes.Chunk(4).Select(b => new Box(b[0], b[1], b[2], b[3]))]);
        using var devicePlaces = Device.Upload<RoiPlace>(places);
        using var liveCount = Device.Upload<int>([live]);
        var size = bins * bins * channels;
        using var output = Tensor.Upload(
            Device, new Shape(count, bins, bins, channels), Enumerable.Repeat(Untouched, count * size).ToArray());
        run(levels.View, features.View, new RoiList(deviceBoxes.View, devicePlaces.View, liveCount.View), output);

        var byLevel = maps.Select((map, l) => reference(map, boxes, pictures, shapes[l], Levels[l].Scale)).ToArray();
        var expected = new float[count * size];
        for (var r = 0; r < count; r++)
        {
            if (r < live)
                byLevel[places[r].Level].AsSpan(r * size, size).CopyTo(expected.AsSpan(r * size));
            else
                expected.AsSpan(r * size, size).Fill(Untouched);
        }
        Comparison.AssertClose(output.ToArray(), expected, 2e-5, 1e-4, [count, bins, bins, channels]);
    }
}
