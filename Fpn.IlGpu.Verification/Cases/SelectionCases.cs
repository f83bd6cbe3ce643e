using Fpn.IlGpu.Kernels;
using Fpn.IlGpu.Tensors;
using Fpn.IlGpu.Verification.Reference;

namespace Fpn.IlGpu.Verification;

/// <summary>Top-k and non-maximum suppression, whose results must be exact.</summary>
internal static class SelectionCases
{
    public static IEnumerable<VerifiedOperator> Operators => [
        new("top-k",
        [
            // Few distinct values make many ties, which the index must break.
            Best(1, 1, 1, 1000),
            Best(3, 10, 3, 1000),
            Best(3, 1000, 1000, 3),
            Best(2, 5000, 100, 2),
            Best(4, 19200, 1000, 1_000_000),
            Best(2, 300, 1000, 50),
            // More values than one pass sorts.
            Best(2, 6000, 2500, 700),
        ]),
        new("NMS", [Suppression(1, 1, 0.5123f), Suppression(2, 33, 0.3123f), Suppression(3, 100, 0.7123f), Suppression(2, 1000, 0.5123f)]),
        new("NMS by class", [ByClass(1, 90, 2), ByClass(2, 333, 7)]),
    ];

    private static VerificationCase Best(int segments, int length, int k, int distinct)
        => new($"the best {k} of each of {segments} × {length}", (device, findings)
        =>
        {
            var random = new Random(length + distinct);
            float[] values = [.. Enumerable.Range(0, segments * length).Select(_ => (random.Next(distinct) - distinct / 3) * 0.37f)];
            // The last segment is shorter and has a step of 2.
            Segment[] table = [.. Enumerable.Range(0, segments).Select(s => new Segment(s * length, length, 1))];
            table[^1] = new Segment((segments - 1) * length, (length + 1) / 2, 2);
            using var deviceValues = device.Upload<float>(values);
            using var deviceTable = device.Upload<Segment>(table);
            foreach (var above in (float[])[float.NegativeInfinity, 0])
            {
                using var indices = device.Upload<int>([.. Enumerable.Repeat(-1, segments * k)]);
                using var counts = device.Upload<int>([.. Enumerable.Repeat(-1, segments)]);
                TopK.Run(device, deviceValues.View, deviceTable.View, length, k, above, indices.View, counts.View);
                var (chosen, found) = (indices.Download(), counts.Download());
                for (var s = 0; s < segments; s++)
                {
                    float[] own = [.. Enumerable.Range(0, table[s].Length).Select(i => values[table[s].First + i * table[s].Step])];
                    int[] expected = [.. TopKReference.Run(own, own.Length).Where(i => own[i] > above).Take(k)];
                    findings.Same([found[s]], [expected.Length], $"segment {s}, above {above}, count");
                    var many = Math.Clamp(found[s], 0, k);
                    findings.Same(chosen.AsSpan(s * k, many), expected, $"segment {s}, above {above}");
                }
            }
        });

    // Corners are at whole px and no ratio of areas equals a threshold, because a device's division may differ in the last bit.
    private static VerificationCase Suppression(int segments, int capacity, float threshold)
        => new($"{segments} × {capacity} boxes, IoU {threshold}", (device, findings)
        =>
        {
            var random = new Random(capacity);
            var boxes = WholePx(segments * capacity);
            int[] counts = [.. Enumerable.Range(0, segments).Select(s => s == segments - 1 ? capacity : random.Next(capacity + 1))];
            float[] scores = [.. Scores(segments, capacity).Select(score => random.Next(6) == 0 ? NonMaximumSuppression.Dropped : score)];
            using var deviceBoxes = device.Upload<Box>(BoxCases.Boxes(boxes));
            using var deviceCounts = device.Upload<int>(counts);
            using var deviceScores = device.Upload<float>(scores);
            NonMaximumSuppression.Run(device, deviceBoxes.View, deviceCounts.View, deviceScores.View, capacity, threshold);
            var kept = deviceScores.Download();
            for (var s = 0; s < segments; s++)
            {
                int[] candidates = [.. Enumerable.Range(s * capacity, counts[s]).Where(i => scores[i] >= 0)];
                float[] candidateBoxes = [.. candidates.SelectMany(i => boxes[(4 * i)..(4 * i + 4)])];
                int[] expected = [.. NmsReference.Run(candidateBoxes, [.. candidates.Select(i => scores[i])], threshold)
                    .Select(i => candidates[i]).Order()];
                int[] ours = [.. Enumerable.Range(s * capacity, counts[s]).Where(i => kept[i] >= 0)];
                findings.Same(ours, expected, $"segment {s}");
            }
        });

    private static VerificationCase ByClass(int segments, int capacity, int classes)
        => new($"{segments} × {capacity} boxes of {classes} classes", (device, findings)
        =>
        {
            const float Threshold = 0.1123f;
            var random = new Random(capacity);
            var (boxes, scores) = (WholePx(segments * capacity), Scores(segments, capacity));
            int[] classIds = [.. Enumerable.Range(0, segments * capacity).Select(_ => random.Next(classes))];
            using var deviceBoxes = device.Upload<Box>(BoxCases.Boxes(boxes));
            using var deviceCounts = device.Upload<int>([.. Enumerable.Repeat(capacity, segments)]);
            using var deviceScores = device.Upload<float>(scores);
            using var deviceClasses = device.Upload<int>(classIds);
            NonMaximumSuppression.RunByClass(
                device, deviceBoxes.View, deviceCounts.View, deviceScores.View, deviceClasses.View, capacity, Threshold);
            var kept = deviceScores.Download();
            for (var s = 0; s < segments; s++)
            {
                var (first, end) = (s * capacity, (s + 1) * capacity);
                int[] expected =
                    [.. NmsReference.Run(boxes[(4 * first)..(4 * end)], scores[first..end], Threshold, classIds[first..end]).Order()];
                findings.Same([.. Enumerable.Range(0, capacity).Where(i => kept[first + i] >= 0)], expected, $"segment {s}");
            }
        });

    private static float[] WholePx(int count) => [.. CaseValues.Boxes(count, 7, 100, 80).Select(v => MathF.Round(v))];

    private static float[] Scores(int segments, int capacity)
        => [.. Enumerable.Range(0, segments * capacity).Select(i => 1 - i % capacity / (float)capacity)];
}
