using Fpn.IlGpu.Kernels;
using Fpn.IlGpu.Tensors;
using Fpn.IlGpu.Verification.Reference;

namespace Fpn.IlGpu.Verification;

/// <summary>Losses, the step of gradient descent, and sums of arrays.</summary>
internal static class TrainingCases
{
    public static IEnumerable<VerifiedOperator> Operators => [
        new("softmax cross-entropy", [SoftmaxLoss(1, 1), SoftmaxLoss(7, 5), SoftmaxLoss(37, 91)]),
        new("sigmoid cross-entropy", [SigmoidLoss(1), SigmoidLoss(1030)]),
        new("smooth L1", [SmoothL1Loss(1, 1), SmoothL1Loss(1030, 1f / 9), SmoothL1Loss(29, 0)]),
        new("focal loss", [Focal(1, 1, 2), Focal(37, 91, 2), Focal(70_001, 3, 0), Focal(205, 17, 1.5f)]),
        new("mask loss", [Mask(1, 1, 1), Mask(5, 7, 91), Mask(3, 14, 3)]),
        new("SGD step", [Step(1, 0), Step(1003, 0), Step(1003, 0.5f), Step(1003, 1000)]),
        new("sums and norms", [Sums(1), Sums(1023), Sums(70_001)]),
        new("sums of maps", [.. Enum.GetValues<Activation>().Where(a => a is Activation.None or Activation.Relu).Select(Maps)]),
        new("scaled rows", [Rows(1, 1), Rows(5, 27), Rows(91, 40)]),
        new("folded batch norms", [Fold(1), Fold(91)]),
        new("transposed weights", [Transposed(1, 1), Transposed(5, 3), Transposed(16, 91)]),
    ];

    private static VerificationCase SoftmaxLoss(int rows, int classes) => new($"[{rows}, {classes}]", (device, findings)
    =>
    {
        var values = CaseValues.Uniform(rows * classes, 1, -30, 30);
        int[] labels = [.. Enumerable.Range(0, rows).Select(m => m % 4 == 3 ? -1 : m * 7 % classes)];
        var weights = CaseValues.Uniform(rows, 2, 0, 2);
        using var logits = Tensor.Upload(device, new Shape(rows, 1, 1, classes), values);
        using var deviceLabels = device.Upload<int>(labels);
        using var deviceWeights = device.Upload<float>(weights);
        using var losses = device.Upload<float>(CaseValues.Unwritten(rows));
        using var gradient = Tensor.Upload(device, logits.Shape, CaseValues.Unwritten(values.Length));
        SoftmaxCrossEntropy.Run(device, logits, deviceLabels.View, deviceWeights.View, 0.25f, losses.View, gradient);
        var expected = LossReference.SoftmaxCrossEntropy(values, classes, labels, weights, 0.25);
        findings.Close(losses.Download(), expected.Losses, 1e-5, 1e-5, [rows], "losses");
        findings.Close(gradient.ToArray(), expected.Gradient, 1e-6, 1e-5, [rows, classes], "gradient");
    });

    private static VerificationCase SigmoidLoss(int count) => new($"{count} values", (device, findings)
    =>
    {
        var values = CaseValues.Uniform(count, 3, -30, 30);
        var at = Some(count);
        var targets = CaseValues.Uniform(at.Length, 4, 0, 1);
        using var logits = device.Upload<float>(values);
        using var deviceAt = device.Upload<int>(at);
        using var deviceTargets = device.Upload<float>(targets);
        using var losses = device.Upload<float>(CaseValues.Unwritten(at.Length));
        using var gradient = device.Upload<float>(new float[count]);
        SigmoidCrossEntropy.Run(device, logits.View, deviceAt.View, deviceTargets.View, 0.5f, losses.View, gradient.View);
        var expected = LossReference.SigmoidCrossEntropy(values, at, targets, 0.5);
        findings.Close(losses.Download(), expected.Losses, 1e-5, 1e-5, [at.Length], "losses");
        findings.Close(gradient.Download(), expected.Gradient, 1e-6, 1e-5, [count], "gradient");
    });

    private static VerificationCase SmoothL1Loss(int count, float beta) => new($"{count} boxes, β {beta:F2}", (device, findings)
    =>
    {
        var values = CaseValues.Uniform(4 * count, 5);
        int[] at = [.. Some(count).Select(s => 4 * s)];
        var targets = CaseValues.Uniform(4 * at.Length, 6);
        using var predictions = device.Upload<float>(values);
        using var deviceAt = device.Upload<int>(at);
        using var deviceTargets = device.Upload<float>(targets);
        using var losses = device.Upload<float>(CaseValues.Unwritten(at.Length));
        using var gradient = device.Upload<float>(new float[values.Length]);
        SmoothL1.Run(device, predictions.View, deviceAt.View, deviceTargets.View, beta, 0.5f, losses.View, gradient.View);
        var expected = LossReference.SmoothL1(values, at, targets, beta, 0.5);
        findings.Close(losses.Download(), expected.Losses, 1e-5, 1e-5, [at.Length], "losses");
        findings.Close(gradient.Download(), expected.Gradient, 1e-5, 1e-5, [count, 4], "gradient");
    });

    private static VerificationCase Fold(int channels) => new($"{channels} channels", (device, findings)
    =>
    {
        float[][] values = [.. Enumerable.Range(1, 5).Select(seed => CaseValues.Uniform(channels, seed, seed == 4 ? 0.1f : -2, 2))];
        using var gamma = device.Upload<float>(values[0]);
        using var beta = device.Upload<float>(values[1]);
        using var mean = device.Upload<float>(values[2]);
        using var variance = device.Upload<float>(values[3]);
        using var shift = device.Upload<float>(values[4]);
        using var scale = device.Upload<float>(CaseValues.Unwritten(channels));
        BatchNormFold.Run(device, new(gamma.View, beta.View), new(mean.View, variance.View), 1e-3f, scale.View, shift.View);
        float[] scales = [.. values[0].Zip(values[3], (g, v) => (float)(g / Math.Sqrt(v + 1e-3)))];
        findings.Close(scale.Download(), scales, 1e-5, 1e-5, [channels], "factors");
        float[] shifts = [.. Enumerable.Range(0, channels).Select(c => (values[4][c] - values[2][c]) * scales[c] + values[1][c])];
        findings.Close(shift.Download(), shifts, 1e-5, 1e-5, [channels], "offsets");
    });

    private static VerificationCase Transposed(int inputC, int outputC) => new($"[{inputC}, {outputC}, 2, 2]", (device, findings)
    =>
    {
        var torch = CaseValues.Uniform(4 * inputC * outputC, 1);
        var rows = new float[torch.Length];
        for (var c = 0; c < inputC; c++)
        {
            for (var k = 0; k < outputC; k++)
            {
                for (var d = 0; d < 4; d++)
                    rows[(d * outputC + k) * inputC + c] = torch[(c * outputC + k) * 4 + d];
            }
        }
        using var weights = device.Upload<float>(torch);
        using var deviceRows = device.Upload<float>(CaseValues.Unwritten(rows.Length));
        TransposedWeights.ToRows(device, weights.View, inputC, outputC, deviceRows.View);
        findings.Close(deviceRows.Download(), rows, 0, 0, [4 * outputC, inputC], "rows");
        using var gradient = device.Upload<float>(CaseValues.Unwritten(rows.Length));
        TransposedWeights.FromRows(device, deviceRows.View, inputC, outputC, accumulate: false, gradient.View);
        findings.Close(gradient.Download(), torch, 0, 0, [inputC, outputC, 4], "gradient");
        TransposedWeights.FromRows(device, deviceRows.View, inputC, outputC, accumulate: true, gradient.View);
        findings.Close(gradient.Download(), Array.ConvertAll(torch, v => 2 * v), 0, 0, [inputC, outputC, 4], "gradient, twice");
        var bias = CaseValues.Uniform(outputC, 2);
        using var deviceBias = device.Upload<float>(bias);
        using var repeated = device.Upload<float>(CaseValues.Unwritten(4 * outputC));
        TransposedWeights.RepeatBias(device, deviceBias.View, repeated.View);
        findings.Close(repeated.Download(), [.. bias, .. bias, .. bias, .. bias], 0, 0, [4, outputC], "bias");
    });

    private static VerificationCase Focal(int anchors, int classes, float gamma)
        => new($"[{anchors}, {classes}], γ {gamma:F1}", (device, findings)
        =>
        {
            var values = CaseValues.Uniform(anchors * classes, 1, -30, 30);
            int[] labels = [.. Enumerable.Range(0, anchors).Select(a => a % 4 == 3 ? -1 : a % 5 == 3 ? -2 : a * 7 % classes)];
            var weights = CaseValues.Uniform(anchors, 2, 0, 2);
            using var logits = device.Upload<float>(values);
            using var deviceLabels = device.Upload<int>(labels);
            using var deviceWeights = device.Upload<float>(weights);
            using var losses = device.Upload<float>(CaseValues.Unwritten(FocalLoss.Parts(anchors)));
            using var gradient = device.Upload<float>(CaseValues.Unwritten(values.Length));
            FocalLoss.Run(
                device, logits.View, deviceLabels.View, deviceWeights.View, 0.25f, gamma, losses.View, gradient.View);
            var expected = LossReference.Focal(values, classes, labels, weights, 0.25, gamma);
            var (sum, all) = (losses.Download().Sum(v => (double)v), expected.Losses.Sum(v => (double)v));
            findings.Close([(float)sum], [(float)all], 1e-5, 1e-5, [1], "sum of losses");
            findings.Close(gradient.Download(), expected.Gradient, 1e-5, 2e-5, [anchors, classes], "gradient");
        });

    private static VerificationCase Mask(int rois, int side, int classes) => new($"[{rois}, {side}, {4 * side}, {classes}]", (device, findings)
    =>
    {
        var shape = new Shape(rois, side, 4 * side, classes);
        var values = CaseValues.Uniform((int)shape.Length, 3, -30, 30);
        int[] classIds = [.. Enumerable.Range(0, rois).Select(d => d % 3 == 2 ? -1 : d * 7 % classes)];
        float[] targets = [.. CaseValues.Uniform(shape.Pixels, 4).Select(v => v < 0 ? 0f : 1f)];
        using var logits = Tensor.Upload(device, shape, values);
        using var deviceIds = device.Upload<int>(classIds);
        using var deviceTargets = device.Upload<float>(targets);
        using var losses = device.Upload<float>(CaseValues.Unwritten(shape.Pixels));
        using var gradient = Tensor.Upload(device, shape, CaseValues.Unwritten(values.Length));
        MaskLoss.Run(device, logits, deviceIds.View, deviceTargets.View, 0.5f, losses.View, gradient);
        var expected = LossReference.Mask(values, side, classes, classIds, targets, 0.5);
        findings.Close(losses.Download(), expected.Losses, 1e-5, 1e-5, [rois, side, side, 4], "losses");
        findings.Close(gradient.ToArray(), expected.Gradient, 1e-6, 1e-5, [rois, side, 4 * side, classes], "gradient");
    });

    private static VerificationCase Step(int count, float limit) => new($"{count} weights, norms up to {limit:F1}", (device, findings)
    =>
    {
        var settings = new SgdStep.Settings(0.1f, 0.9f, 0.01f, limit);
        var (g, v, w) = (CaseValues.Uniform(count, 7), CaseValues.Uniform(count, 8), CaseValues.Uniform(count, 9));
        var length = Math.Sqrt(g.Sum(x => (double)x * x));
        using var gradient = device.Upload<float>(g);
        using var norm = device.Upload<float>([(float)length]);
        using var velocity = device.Upload<float>(v);
        using var weights = device.Upload<float>(w);
        SgdStep.Run(device, gradient.View, norm.View, settings, velocity.View, weights.View);
        var clipped = limit > 0 ? Math.Min(1, limit / (length + 1e-6)) : 1;
        double[] after = [.. Enumerable.Range(0, count).Select(i => 0.9 * v[i] + g[i] * clipped + 0.01 * w[i])];
        findings.Close(velocity.Download(), [.. after.Select(x => (float)x)], 1e-6, 1e-5, [count], "velocity");
        findings.Close(weights.Download(), [.. after.Select((x, i) => (float)(w[i] - 0.1 * x))], 1e-6, 1e-5, [count], "weights");
    });

    private static VerificationCase Sums(int count) => new($"{count} values", (device, findings)
    =>
    {
        var (a, b) = (CaseValues.Uniform(count, 10, -1, 2), CaseValues.Uniform(count, 11));
        using var first = device.Upload<float>(a);
        using var second = device.Upload<float>(b);
        using var result = device.Upload<float>(CaseValues.Unwritten(1));
        Sum.Run(device, first.View, result.View);
        findings.Close(result.Download(), [(float)a.Sum(x => (double)x)], 1e-3, 1e-5, [1], "sum");
        Sum.Norm(device, [first.View, second.View], result.View);
        findings.Close(result.Download(), [(float)Math.Sqrt(a.Concat(b).Sum(x => (double)x * x))], 0, 1e-5, [1], "norm");
        Accumulate.Run(device, first.View, second.View);
        findings.Close(second.Download(), [.. a.Zip(b, (x, y) => x + y)], 0, 0, [count], "accumulated");
        Fill.Run(device, 7, first.View);
        findings.Close(first.Download(), [.. Enumerable.Repeat(7f, count)], 0, 0, [count], "filled");
    });

    private static VerificationCase Maps(Activation activation) => new($"[1, 17, 59, 1], {activation}", (device, findings)
    =>
    {
        var shape = new Shape(1, 17, 59, 1);
        var (a, b) = (CaseValues.Uniform(1003, 12), CaseValues.Uniform(1003, 13));
        using var first = Tensor.Upload(device, shape, a);
        using var second = Tensor.Upload(device, shape, b);
        using var output = Tensor.Upload(device, shape, CaseValues.Unwritten(1003));
        ResidualSum.Run(device, first, second, activation, output);
        float[] expected = [.. a.Zip(b, (x, y) => (float)ActivationReference.Of(x + y, activation))];
        findings.Close(output.ToArray(), expected, 0, 0, [1, 17, 59, 1]);
    });

    private static VerificationCase Rows(int rows, int columns) => new($"[{rows}, {columns}]", (device, findings)
    =>
    {
        var (values, factors) = (CaseValues.Uniform(rows * columns, 14), CaseValues.Uniform(rows, 15));
        using var input = device.Upload<float>(values);
        using var scale = device.Upload<float>(factors);
        using var output = device.Upload<float>(CaseValues.Unwritten(values.Length));
        float[] expected = [.. values.Select((x, i) => x * factors[i / columns])];
        ScaleRows.Run(device, input.View, scale.View, accumulate: false, output.View);
        findings.Close(output.Download(), expected, 0, 1e-6, [rows, columns]);
        ScaleRows.Run(device, input.View, scale.View, accumulate: true, output.View);
        findings.Close(output.Download(), [.. expected.Select(x => 2 * x)], 1e-6, 1e-6, [rows, columns], "added");
    });

    // Every third index, in reverse order.
    private static int[] Some(int count) => [.. Enumerable.Range(0, count).Where(s => s % 3 == 0).Reverse()];
}
