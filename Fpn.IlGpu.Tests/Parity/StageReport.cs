using Fpn.IlGpu.Detection;
using Fpn.IlGpu.Tensors;

namespace Fpn.IlGpu.Tests.Parity;

/// <summary>Compares one stage after the other with a reference, and keeps the largest difference of each.</summary>
internal sealed class StageReport(StateDictionary stages)
{
    private const float Tolerance = 1e-4f;

    public List<string> Compared { get; } = [];

    public List<string> Failures { get; } = [];

    public string Text { get; private set; } = "";

    public static Box[] Boxes(float[] values)
        => [.. values.Chunk(4).Select(b => new Box(b[0], b[1], b[2], b[3]))];

    /// <summary>
    /// Compares our tensor [N, H, W, C] with the reference's [N, C, H, W] or [rows, C], which may have only every 4th channel or
    /// the first rows. Skips stages that the reference leaves out.
    /// </summary>
    public void Compare(string stage, Tensor ours, bool everyChannel)
    {
        if (!stages.Contains(stage))
            return;
        var expected = stages[stage].ToArray();
        var shape = ours.Shape;
        var step = everyChannel ? 1 : 4;
        var values = ours.ToArray();
        var transposed = new float[expected.Length];
        var i = 0;
        var n = expected.Length / (shape.H * shape.W * ((shape.C + step - 1) / step));
        for (var b = 0; b < n; b++)
        {
            for (var c = 0; c < shape.C; c += step)
            {
                for (var p = 0; p < shape.H * shape.W; p++)
                    transposed[i++] = values[(b * shape.H * shape.W + p) * shape.C + c];
            }
        }
        Compare(stage, transposed, expected);
    }

    public void Compare(string stage, IEnumerable<Box> ours)
        => Compare(stage, [.. ours.SelectMany(b => new[] { b.X1, b.Y1, b.X2, b.Y2 })]);

    public void Compare(string stage, float[] ours)
    {
        if (stages.Contains(stage))
            Compare(stage, ours, stages[stage].ToArray());
    }

    /// <summary>Compares our probabilities with the reference's logits.</summary>
    public void CompareProbabilities(string stage, float[] ours)
    {
        if (stages.Contains(stage))
            Compare(stage, ours, [.. stages[stage].ToArray().Select(logit => 1 / (1 + MathF.Exp(-logit)))]);
    }

    /// <summary>
    /// Compares proposals as sets, because scores that differ in the last bit may swap neighbours. Each reference proposal must be
    /// found within 1e-4 of the largest coordinate, at most 4 ranks away.
    /// </summary>
    public void CompareProposals(Box[] ours)
    {
        if (!stages.Contains("proposals"))
            return;
        Compared.Add("proposals");
        var expected = Boxes(stages["proposals"].ToArray());
        var largest = expected.Max(b => Math.Max(b.X2, b.Y2));
        var missing = 0;
        for (var i = 0; i < expected.Length; i++)
        {
            var near = ours[Math.Clamp(i - 4, 0, ours.Length)..Math.Min(ours.Length, i + 5)];
            if (!near.Any(b => Distance(b, expected[i]) <= Tolerance * largest))
                missing++;
        }
        Text += $"proposals: {ours.Length} of {expected.Length}, {missing} not found\n";
        if (missing > 0 || ours.Length != expected.Length)
            Failures.Add($"proposals: {ours.Length} instead of {expected.Length}, {missing} not found");
    }

    public void CompareDetections(IReadOnlyList<DetectedObject> ours)
    {
        Compare("detections.boxes", ours.Select(d => d.BoxImagePx));
        Compare("detections.scores", [.. ours.Select(d => d.Score)]);
        Compare("detections.labels", [.. ours.Select(d => (float)d.ClassId)]);
    }

    private static float Distance(Box a, Box b)
        => Math.Max(Math.Max(Math.Abs(a.X1 - b.X1), Math.Abs(a.Y1 - b.Y1)), Math.Max(Math.Abs(a.X2 - b.X2), Math.Abs(a.Y2 - b.Y2)));

    private void Compare(string stage, float[] ours, float[] expected)
    {
        Compared.Add(stage);
        if (ours.Length != expected.Length)
        {
            Failures.Add($"{stage}: {ours.Length} values instead of {expected.Length}");
            return;
        }
        var magnitude = expected.Max(Math.Abs);
        var worst = 0f;
        for (var i = 0; i < ours.Length; i++)
        {
            var difference = Math.Abs(ours[i] - expected[i]);
            // Written so that NaN counts as the worst.
            worst = difference <= worst ? worst : difference;
        }
        Text += $"{stage}: largest difference {worst:g3} of {magnitude:g3}\n";
        if (!(worst <= Tolerance * magnitude))
            Failures.Add($"{stage}: {worst:g3} is more than {Tolerance} of {magnitude:g3}");
    }
}
