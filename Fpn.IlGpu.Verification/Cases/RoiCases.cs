using Fpn.IlGpu.Kernels;
using Fpn.IlGpu.Runtime;
using Fpn.IlGpu.Tensors;
using Fpn.IlGpu.Verification.Reference;
using ILGPU;

namespace Fpn.IlGpu.Verification;

/// <summary>RoIAlign and RoI max pooling over two levels and two pictures, with RoIs of all sizes, on and off the picture.</summary>
internal static class RoiCases
{
    private const int Pictures = 2;
    private const int Rois = 23;
    private static readonly RoiLevel[] Levels = [new(0, 12, 15, 0.25f), new(0, 6, 8, 0.125f)];

    public static IEnumerable<VerifiedOperator> Operators
    {
        get
        {
            yield return new("RoIAlign",
            [
                .. from channels in (int[])[3, 91]
                   from bins in (int[])[1, 7]
                   from samples in (int[])[0, 2]
                   from aligned in (bool[])[false, true]
                   select Align(channels, bins, samples, aligned, Rois),
                Align(16, 7, 2, false, 5),
                Align(16, 7, 2, false, 0),
            ]);
            // Numbers of bins are powers of two: a division by 7 need not round exactly as in IEEE 754 on every device.
            yield return new("RoI max pool", [MaxPool(3, 1, Rois), MaxPool(64, 4, Rois), MaxPool(91, 8, Rois), MaxPool(16, 8, 0)]);
        }
    }

    private static VerificationCase Align(int channels, int bins, int samples, bool aligned, int live)
        => new($"{live} RoIs, {channels} channels, {bins}×{bins} bins, {samples} samples{(aligned ? ", aligned" : "")}", (device, findings)
            => Check(
                device, findings, channels, bins, live, (2e-5, 1e-4),
                (levels, features, rois, output) => RoiAlign.Run(device, levels, features, rois, samples, aligned, output),
                (map, boxes, pictures, shape, scale)
                    => RoiAlignReference.Run(map, boxes, pictures, shape, scale, (bins, bins), samples, aligned)));

    private static VerificationCase MaxPool(int channels, int bins, int live)
        => new($"{live} RoIs, {channels} channels, {bins}×{bins} bins", (device, findings)
            => Check(
                device, findings, channels, bins, live, (0, 0),
                (levels, features, rois, output) => RoiMaxPool.Run(device, levels, features, rois, output),
                (map, boxes, pictures, shape, scale) => RoiMaxPoolReference.Run(map, boxes, pictures, shape, scale, (bins, bins))));

    private static void Check(
        Device device, Findings findings, int channels, int bins, int live, (double Absolute, double Relative) tolerance,
        Action<ArrayView<RoiLevel>, ArrayView<float>, RoiList, Tensor> run,
        Func<float[], float[], int[], Shape4, float, float[]> reference)
    {
        const float Untouched = -77;
        Shape4[] shapes = [.. Levels.Select(l => new Shape4(Pictures, l.H, l.W, channels))];
        float[][] maps = [.. shapes.Select((s, i) => CaseValues.Uniform(s.Count, i))];
        var boxes = CaseValues.Boxes(Rois, 5, 60, 48);
        RoiPlace[] places = [.. Enumerable.Range(0, Rois).Select(i => new RoiPlace(i % Pictures, i / 2 % 2))];
        int[] pictures = [.. places.Select(p => p.Picture)];
        var size = bins * bins * channels;

        using var features = device.Upload<float>([.. maps[0], .. maps[1]]);
        using var levels = device.Upload<RoiLevel>([Levels[0], Levels[1] with { First = shapes[0].Count }]);
        using var deviceBoxes = device.Upload<Box>(BoxCases.Boxes(boxes));
        using var devicePlaces = device.Upload<RoiPlace>(places);
        using var count = device.Upload<int>([live]);
        using var output = Tensor.Upload(
            device, new Shape(Rois, bins, bins, channels), [.. Enumerable.Repeat(Untouched, Rois * size)]);
        run(levels.View, features.View, new RoiList(deviceBoxes.View, devicePlaces.View, count.View), output);

        float[][] byLevel = [.. maps.Select((map, l) => reference(map, boxes, pictures, shapes[l], Levels[l].Scale))];
        var expected = new float[Rois * size];
        for (var r = 0; r < Rois; r++)
        {
            if (r < live)
                byLevel[places[r].Level].AsSpan(r * size, size).CopyTo(expected.AsSpan(r * size));
            else
                expected.AsSpan(r * size, size).Fill(Untouched);
        }
        findings.Close(output.ToArray(), expected, tolerance.Absolute, tolerance.Relative, [Rois, bins, bins, channels]);
    }
}
