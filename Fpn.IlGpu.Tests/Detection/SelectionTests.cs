using Fpn.IlGpu.Kernels;
using Fpn.IlGpu.Tensors;
using Fpn.IlGpu.Verification;

namespace Fpn.IlGpu.Tests.Detection;

/// <summary>Top-k and NMS: exact, and the same run after run.</summary>
public sealed class SelectionTests(string deviceId) : DeviceTests(deviceId)
{
    // Few distinct values make many ties, which the index must break.
    [TestCase(1, 1, 1, 1000)]
    [TestCase(3, 10, 3, 1000)]
    [TestCase(3, 1000, 1000, 3)]
    [TestCase(2, 5000, 100, 2)]
    [TestCase(4, 19200, 1000, 1_000_000)]
    [TestCase(2, 19200, 1000, 40)]
    [TestCase(2, 300, 1000, 50)]
    [TestCase(2, 30000, 5000, 700)]
    [TestCase(1, 600000, 3, 100_000)]
    public void Top_k_agrees_with_a_stable_sort(int segments, int length, int k, int distinct)
    {
        var random = new Random(length + distinct);
        var values = new float[segments * length];
        for (var i = 0; i < values.Length; i++)
            values[i] = (random.Next(distinct) - distinct / 3) * 0.37f;
        // The last segment is shorter, with a step of 2.
        Segment[] table = [.. Enumerable.Range(0, segments).Select(s => new Segment(s * length, length, 1))];
        table[^1] = new Segment((segments - 1) * length, (length + 1) / 2, 2);

        foreach (var above in new[] { float.NegativeInfinity, 0 })
        {
            var (indices, counts) = TopKOf(values, table, length, k, above);
            for (var s = 0; s < segments; s++)
            {
                float[] own = [.. Enumerable.Range(0, table[s].Length).Select(i => values[table[s].First + i * table[s].Step])];
                var expected = TopKReference.Run(own, own.Length).Where(i => own[i] > above).Take(k).ToArray();
                Assert.That(counts[s], Is.EqualTo(expected.Length));
                Assert.That(indices.AsSpan(s * k, counts[s]).ToArray(), Is.EqualTo(expected), $"segment {s}, above {above}");
            }
        }
    }

    [Test]
    public void Top_k_leaves_NaN_out_and_orders_infinity()
    {
        float[] values = [float.NaN, 1, float.NegativeInfinity, float.PositiveInfinity, -0f, 0f, float.NaN, -1];
        var (indices, counts) = TopKOf(values, [new Segment(0, values.Length, 1)], values.Length, 8, float.NegativeInfinity);
        Assert.That(indices.AsSpan(0, counts[0]).ToArray(), Is.EqualTo(new[] { 3, 1, 5, 4, 7 }));
    }

    // Corners on whole pixels, and thresholds that no IoU of such boxes equals: a device's division may be off in its last bit.
    [TestCase(1, 1, 0.5123f)]
    [TestCase(2, 33, 0.3123f)]
    [TestCase(3, 100, 0.7123f)]
    [TestCase(2, 500, 0.5123f)]
    [TestCase(2, 64, 0.0001f)]
    [TestCase(1, 4200, 0.3123f)]
    public void Nms_agrees_with_nested_loops(int segments, int capacity, float threshold)
    {
        var random = new Random(capacity);
        float[] boxes = [.. CaseValues.Boxes(segments * capacity, 7, 100, 80).Select(v => MathF.Round(v))];
        int[] counts = [.. Enumerable.Range(0, segments).Select(s => s == segments - 1 ? capacity : random.Next(capacity + 1))];
        float[] scores = [.. Enumerable.Range(0, segments * capacity)
            .Select(i => random.Next(6) == 0 ? -1 : 1 - i % capacity / (float)capacity)];
        using var deviceBoxes = Device.Upload<Box>([.. boxes.Chunk(4).Select(b => new Box(b[0], b[1], b[2], b[3]))]);
        using var deviceCounts = Device.Upload<int>(counts);
        using var deviceScores = Device.Upload<float>(scores);
        NonMaximumSuppression.Run(Device, deviceBoxes.View, deviceCounts.View, deviceScores.View, capacity, threshold);
        var kept = deviceScores.Download();
        for (var s = 0; s < segments; s++)
        {
            int[] candidates = [.. Enumerable.Range(s * capacity, counts[s]).Where(i => scores[i] >= 0)];
            float[] candidateBoxes = [.. candidates.SelectMany(i => boxes[(4 * i)..(4 * i + 4)])];
            var expected = NmsReference.Run(candidateBoxes, [.. candidates.Select(i => scores[i])], threshold).Select(i => candidates[i]);
            var ours = Enumerable.Range(s * capacity, counts[s]).Where(i => kept[i] >= 0);
            Assert.That(ours, Is.EquivalentTo(expected));
        }
    }

    [TestCase(1, 90, 2)]
    [TestCase(2, 333, 7)]
    public void Nms_by_class_agrees_with_nested_loops(int segments, int capacity, int classes)
    {
        const float Threshold = 0.1123f;
        var random = new Random(capacity);
        float[] boxes = [.. CaseValues.Boxes(segments * capacity, 7, 100, 80).Select(v => MathF.Round(v))];
        int[] classIds = [.. Enumerable.Range(0, segments * capacity).Select(_ => random.Next(classes))];
        float[] scores = [.. Enumerable.Range(0, segments * capacity).Select(i => 1 - i % capacity / (float)capacity)];
        using var deviceBoxes = Device.Upload<Box>([.. boxes.Chunk(4).Select(b => new Box(b[0], b[1], b[2], b[3]))]);
        using var deviceCounts = Device.Upload<int>([.. Enumerable.Repeat(capacity, segments)]);
        using var deviceScores = Device.Upload<float>(scores);
        using var deviceClasses = Device.Upload<int>(classIds);
        NonMaximumSuppression.RunByClass(
            Device, deviceBoxes.View, deviceCounts.View, deviceScores.View, deviceClasses.View, capacity, Threshold);
        var kept = deviceScores.Download();
        for (var s = 0; s < segments; s++)
        {
            var (first, end) = (s * capacity, (s + 1) * capacity);
            var expected = NmsReference.Run(boxes[(4 * first)..(4 * end)], scores[first..end], Threshold, classIds[first..end]);
            Assert.That(Enumerable.Range(0, capacity).Where(i => kept[first + i] >= 0), Is.EquivalentTo(expected));
            Assert.That(expected, Has.Length.LessThan(capacity));
        }
    }

    private (int[] Indices, int[] Counts) TopKOf(float[] values, Segment[] table, int maxLength, int k, float above)
    {
        using var deviceValues = Device.Upload<float>(values);
        using var segments = Device.Upload<Segment>(table);
        using var indices = Device.Rent<int>(table.Length * k);
        using var counts = Device.Rent<int>(table.Length);
        TopK.Run(Device, deviceValues.View, segments.View, maxLength, k, above, indices.View, counts.View);
        return (indices.Download(), counts.Download());
    }
}
