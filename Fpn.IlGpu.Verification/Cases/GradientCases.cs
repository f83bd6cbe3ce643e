using Fpn.IlGpu.Kernels;
using Fpn.IlGpu.Runtime;
using Fpn.IlGpu.Tensors;
using Fpn.IlGpu.Verification.Reference;

namespace Fpn.IlGpu.Verification;

/// <summary>
/// Gradients of operators without weights (activations, pooling, upsampling, RoI features, taken pixels), and batch norm with its gradients.
/// </summary>
internal static class GradientCases
{
    // The value that gradients are added to.
    private const float There = 1;
    private const int Pictures = 2;
    private const int Rois = 23;
    private static readonly RoiLevel Level = new(0, 12, 15, 0.25f);

    public static IEnumerable<VerifiedOperator> Operators => [
        new("activation gradients",
        [
            .. from activation in Enum.GetValues<Activation>()
               from count in (int[])[1, 1003]
               select Activating(count, activation),
        ]),
        new("max pool gradient",
        [
            MaxPooling(new(1, 1, 1, 3), 3, 2, 1),
            MaxPooling(new(2, 7, 5, 3), 3, 2, 1),
            MaxPooling(new(1, 10, 11, 91), 2, 2, 0),
            MaxPooling(new(1, 6, 3, 5), 3, 1, 1),
            MaxPooling(new(1, 11, 7, 40), 1, 2, 0),
        ]),
        new("average pool gradient", [Averaging(new(1, 1, 1, 3)), Averaging(new(3, 7, 5, 91)), Averaging(new(2, 16, 17, 40))]),
        new("scaled channels gradient", [Scaling(new(1, 1, 1, 3)), Scaling(new(3, 7, 5, 91)), Scaling(new(2, 16, 17, 40))]),
        new("upsample gradient",
        [
            Upsampling(new(1, 1, 1, 5), new(1, 7, 3, 5)),
            Upsampling(new(2, 3, 4, 91), new(2, 6, 8, 91)),
            Upsampling(new(1, 5, 7, 3), new(1, 3, 11, 3)),
            Upsampling(new(1, 13, 21, 8), new(1, 25, 42, 8)),
        ]),
        new("RoIAlign gradient",
        [
            .. from channels in (int[])[3, 91]
               from samples in (int[])[0, 2]
               from aligned in (bool[])[false, true]
               select RoiAligning(channels, 7, samples, aligned, Rois),
            RoiAligning(16, 1, 2, false, 5),
            RoiAligning(16, 7, 2, false, 0),
        ]),
        new("RoI max pool gradient", [RoiPooling(3, 1, Rois), RoiPooling(64, 4, Rois), RoiPooling(91, 8, 5), RoiPooling(16, 8, 0)]),
        new("taken pixels and their gradient", [Taking(1, 1, 1), Taking(40, 7, 91), Taking(300, 299, 3), Taking(9, 5, 512)]),
        new("batch norm",
        [
            .. from live in (bool[])[false, true]
               from shape in (Shape4[])[new(1, 3, 2, 3), new(2, 3, 5, 17), new(1, 19, 33, 2), new(2, 15, 21, 91)]
               select Normalising(shape, live),
        ]),
        new("group norm gradients",
        [
            NormalisingGroups(new(1, 1, 1, 4), 2, 0),
            NormalisingGroups(new(2, 5, 7, 6), 3, 0),
            NormalisingGroups(new(3, 19, 33, 40), 4, 0),
            NormalisingGroups(new(2, 9, 11, 91), 1, 0),
            // Differences from a mean far from 0 keep their digits.
            NormalisingGroups(new(2, 13, 21, 16), 4, 100),
        ]),
    ];

    private static VerificationCase Taking(int pixels, int taken, int channels)
        => new($"{taken} of {pixels} px, {channels} channels", (device, findings) =>
        {
            var values = CaseValues.Uniform(pixels * channels, 1);
            int[] at = [.. Enumerable.Range(0, taken).Select(s => (pixels - 1 - s) * channels)];
            using var maps = device.Upload<float>(values);
            using var places = device.Upload<int>(at);
            using var output = Tensor.Upload(device, new Shape(1, 1, taken, channels), CaseValues.Unwritten(taken * channels));
            TakePixels.Run(device, maps.View, places.View, output);
            findings.Close(output.ToArray(), TakenPixelsReference.Run(values, at, channels), 0, 0, [taken, channels]);

            var outputGradient = CaseValues.Uniform(taken * channels, 2);
            var expected = TakenPixelsReference.Gradient(outputGradient, at, channels, values.Length);
            using var given = Tensor.Upload(device, output.Shape, outputGradient);
            // The first third of the pixels is one map, the rest another.
            foreach (var (from, count) in ((int, int)[])[(0, pixels / 3), (pixels / 3, pixels - pixels / 3)])
            {
                if (count == 0)
                    continue;
                using var gradient = Tensor.Upload(
                    device, new Shape(1, 1, count, channels), [.. Enumerable.Repeat(There, count * channels)]);
                TakePixelsBackward.Run(device, given, places.View, from * channels, gradient);
                float[] ofMap = [.. expected.Skip(from * channels).Take(count * channels).Select(g => There + g)];
                findings.Close(gradient.ToArray(), ofMap, 0, 0, [count, channels], "gradient");
            }
        });

    private static VerificationCase Activating(int count, Activation activation) => new($"{count} values, {activation}", (device, findings)
    =>
    {
        // The kinks last, so that a single value is none of them.
        float[] values = [.. ((float[])[.. CaseValues.Uniform(998, 1, -8, 8), 0, -3, 3, -100, 100]).Take(count)];
        var gradients = CaseValues.Uniform(count, 2);
        var kept = ActivationBackward.NeedsInput(activation)
            ? values
            : values.Select(x => (float)ActivationReference.Of(x, activation)).ToArray();
        using var deviceKept = Tensor.Upload(device, new Shape(1, 1, 1, count), kept);
        using var gradient = Tensor.Upload(device, deviceKept.Shape, gradients);
        using var other = Tensor.Upload(device, deviceKept.Shape, CaseValues.Unwritten(count));
        ActivationBackward.Run(device, activation, gradient, deviceKept, other);
        ActivationBackward.Run(device, activation, gradient, deviceKept, gradient);
        float[] expected = [.. gradients.Zip(values, (dy, x) => (float)(dy * ActivationReference.Slope(x, activation)))];
        findings.Close(gradient.ToArray(), expected, 2e-6, 1e-5, [count]);
        findings.Close(other.ToArray(), expected, 2e-6, 1e-5, [count], "in another array");
    });

    private static VerificationCase Averaging(Shape4 shape) => new($"{Of(shape)}", (device, findings)
    =>
    {
        var gradients = CaseValues.Uniform(shape.N * shape.C, 2);
        using var outputGradient = Tensor.Upload(device, new Shape(shape.N, 1, 1, shape.C), gradients);
        using var gradient = Gradient(device, shape);
        GlobalAveragePoolBackward.Run(device, outputGradient, gradient);
        Added(findings, gradient, [.. shape.Elements().Select(e => gradients[e.N * shape.C + e.C] / (shape.H * shape.W))], shape);
    });

    private static VerificationCase Scaling(Shape4 shape) => new($"{Of(shape)}", (device, findings)
    =>
    {
        var (values, factors) = (CaseValues.Uniform(shape.Count, 1), CaseValues.Uniform(shape.N * shape.C, 2));
        var gradients = CaseValues.Uniform(shape.Count, 3);
        float[] expected = [.. shape.Elements().Select(e => gradients[shape.At(e.N, e.Y, e.X, e.C)] * factors[e.N * shape.C + e.C])];
        var ofGates = new double[shape.N * shape.C];
        foreach (var (n, y, x, c) in shape.Elements())
            ofGates[n * shape.C + c] += (double)gradients[shape.At(n, y, x, c)] * values[shape.At(n, y, x, c)];
        using var input = Tensor.Upload(device, Of(shape), values);
        using var gates = Tensor.Upload(device, new Shape(shape.N, 1, 1, shape.C), factors);
        using var outputGradient = Tensor.Upload(device, Of(shape), gradients);
        using var gradient = Gradient(device, shape);
        using var gatesGradient = Tensor.Upload(device, gates.Shape, CaseValues.Unwritten(ofGates.Length));
        ScaleChannelsBackward.Run(device, outputGradient, input, gates, true, gradient, false, gatesGradient);
        Added(findings, gradient, expected, shape);
        Close(1, "d gates");
        ScaleChannelsBackward.Run(device, outputGradient, input, gates, false, outputGradient, true, gatesGradient);
        findings.Close(outputGradient.ToArray(), expected, 1e-6, 1e-5, shape.ToArray(), "in place");
        Close(2, "d gates, added");

        void Close(int times, string what)
            => findings.Close(
                gatesGradient.ToArray(), [.. ofGates.Select(sum => (float)(times * sum))], 1e-5 * times, 1e-5, [shape.N, shape.C], what);
    });

    private static VerificationCase MaxPooling(Shape4 shape, int kernel, int stride, int padding)
        => new($"{Of(shape)}, {kernel}×{kernel}, stride {stride}, padding {padding}", (device, findings)
        =>
        {
            // Few distinct values: among equal ones, the first of a window gets the gradient.
            float[] values = [.. CaseValues.Uniform(shape.Count, 1, -4, 0).Select(MathF.Floor)];
            (int, int) window = (kernel, kernel), strides = (stride, stride), border = (padding, padding);
            using var input = Tensor.Upload(device, Of(shape), values);
            using var output = Tensor.Upload(
                device, MaxPool.OutputShape(input.Shape, kernel, stride, padding),
                MaxPool2dReference.Run(values, shape, window, strides, border));
            var outputGradients = CaseValues.Uniform((int)output.Shape.Length, 2);
            using var outputGradient = Tensor.Upload(device, output.Shape, outputGradients);
            using var gradient = Gradient(device, shape);
            MaxPoolBackward.Run(device, input, output, outputGradient, kernel, stride, padding, gradient);
            Added(findings, gradient, MaxPool2dReference.Gradient(values, outputGradients, shape, window, strides, border), shape);
        });

    private static VerificationCase Upsampling(Shape4 top, Shape4 shape) => new($"{Of(top)} to {Of(shape)}", (device, findings)
    =>
    {
        var outputGradients = CaseValues.Uniform(shape.Count, 3);
        using var outputGradient = Tensor.Upload(device, Of(shape), outputGradients);
        using var gradient = Gradient(device, top);
        UpsampleBackward.Run(device, outputGradient, gradient);
        Added(findings, gradient, NearestUpsampleReference.Gradient(outputGradients, top, shape.H, shape.W), top);
    });

    private static VerificationCase RoiAligning(int channels, int bins, int samples, bool aligned, int live)
        => new($"{live} RoIs, {channels} channels, {bins}×{bins} bins, {samples} samples{(aligned ? ", aligned" : "")}", (device, findings)
            => OfRois(
                device, findings, channels, bins, live,
                (_, gradients, rois, gradient) => RoiAlignBackward.Run(device, gradients, rois, 0, Level.Scale, samples, aligned, gradient),
                (gradients, boxes, pictures, shape)
                    => RoiAlignReference.Gradient(gradients, boxes, pictures, shape, Level.Scale, (bins, bins), samples, aligned)));

    // Numbers of bins are powers of two: a division by 7 need not round exactly as in IEEE 754 on every device.
    private static VerificationCase RoiPooling(int channels, int bins, int live)
        => new($"{live} RoIs, {channels} channels, {bins}×{bins} bins", (device, findings)
        =>
        {
            var values = Map(channels);
            using var input = Tensor.Upload(device, Of(MapShape(channels)), values);
            OfRois(
                device, findings, channels, bins, live,
                (output, gradients, rois, gradient)
                    => RoiMaxPoolBackward.Run(device, input, output, gradients, rois, 0, Level.Scale, gradient),
                (gradients, boxes, pictures, shape)
                    => RoiMaxPoolReference.Gradient(values, gradients, boxes, pictures, shape, Level.Scale, (bins, bins)));
        });

    private static void OfRois(
        Device device, Findings findings, int channels, int bins, int live, Action<Tensor, Tensor, RoiList, Tensor> run,
        Func<float[], float[], int[], Shape4, float[]> reference)
    {
        var shape = MapShape(channels);
        var boxes = CaseValues.Boxes(Rois, 5, 60, 48);
        int[] pictures = [.. Enumerable.Range(0, Rois).Select(r => r % Pictures)];
        var size = bins * bins * channels;
        var outputGradients = CaseValues.Uniform(Rois * size, 6);
        // Values beyond the count must not matter.
        outputGradients.AsSpan(live * size).Fill(float.NaN);
        using var deviceBoxes = device.Upload<Box>(BoxCases.Boxes(boxes));
        using var places = device.Upload<RoiPlace>([.. pictures.Select(n => new RoiPlace(n, 0))]);
        using var count = device.Upload<int>([live]);
        using var output = Tensor.Upload(
            device, new Shape(Rois, bins, bins, channels),
            RoiMaxPoolReference.Run(Map(channels), boxes, pictures, shape, Level.Scale, (bins, bins)));
        using var outputGradient = Tensor.Upload(device, output.Shape, outputGradients);
        using var gradient = Gradient(device, shape);
        run(output, outputGradient, new RoiList(deviceBoxes.View, places.View, count.View), gradient);
        Added(findings, gradient, reference(outputGradients[..(live * size)], boxes[..(4 * live)], pictures[..live], shape), shape);
    }

    private static VerificationCase Normalising(Shape4 shape, bool live)
        => new($"{Of(shape)}, {(live ? "live" : "frozen")}", (device, findings)
        =>
        {
            const float Epsilon = 1e-5f, Momentum = 0.1f;
            var (c, values, outputGradients) = (shape.C, CaseValues.Uniform(shape.Count, 1, 1, 4), CaseValues.Uniform(shape.Count, 2));
            var norm = (
                Gamma: CaseValues.Uniform(c, 3, 0.5f, 2), Beta: CaseValues.Uniform(c, 4), Mean: CaseValues.Uniform(c, 5, 1, 3),
                Variance: CaseValues.Uniform(c, 6, 0.5f, 2));
            var expected = BatchNormReference.Run(values, outputGradients, c, norm, live, Epsilon, Momentum);
            using var input = Tensor.Upload(device, Of(shape), values);
            using var outputGradient = Tensor.Upload(device, Of(shape), outputGradients);
            using var output = Tensor.Upload(device, Of(shape), CaseValues.Unwritten(shape.Count));
            using var inputGradient = Tensor.Upload(device, Of(shape), CaseValues.Unwritten(shape.Count));
            using var gamma = device.Upload<float>(norm.Gamma);
            using var beta = device.Upload<float>(norm.Beta);
            using var mean = device.Upload<float>(norm.Mean);
            using var variance = device.Upload<float>(norm.Variance);
            using var usedMean = device.Rent<float>(c);
            using var usedFactor = device.Rent<float>(c);
            using var gammaGradient = device.Upload<float>(CaseValues.Unwritten(c));
            using var betaGradient = device.Upload<float>(CaseValues.Unwritten(c));
            var (affine, running) = (new BatchNorm.Affine(gamma.View, beta.View), new BatchNorm.Running(mean.View, variance.View));
            var used = new BatchNorm.Used(usedMean.View, usedFactor.View);
            if (live)
                BatchNorm.Live(device, input, affine, running, Epsilon, Momentum, Activation.None, used, output);
            else
                BatchNorm.Frozen(device, input, affine, running, Epsilon, Activation.None, used, output);
            BatchNormBackward.Run(
                device, input, outputGradient, gamma.View, used, live,
                new BatchNorm.Affine(gammaGradient.View, betaGradient.View), inputGradient);

            Close(output.ToArray(), expected.Output, "output");
            Close(mean.Download(), expected.MeanAfter, "running mean");
            Close(variance.Download(), expected.VarianceAfter, "running variance");
            Close(inputGradient.ToArray(), expected.InputGradient, "d input");
            Close(gammaGradient.Download(), expected.GammaGradient, "d gamma");
            Close(betaGradient.Download(), expected.BetaGradient, "d beta");

            void Close(float[] actual, float[] values, string what)
                => findings.Close(actual, values, 2e-5 * values.Max(MathF.Abs), 1e-4, actual.Length == c ? [c] : shape.ToArray(), what);
        });

    private static VerificationCase NormalisingGroups(Shape4 shape, int groups, float mean)
        => new($"{Of(shape)}, {groups} groups, mean {mean}", (device, findings)
        =>
        {
            const float Epsilon = 1e-5f;
            var (c, values) = (shape.C, CaseValues.Uniform(shape.Count, 1, mean - 1, mean + 1));
            var (gammas, outputGradients) = (CaseValues.Uniform(c, 3, 0.5f, 2), CaseValues.Uniform(shape.Count, 2));
            var expected = GroupNormReference.Gradient(values, outputGradients, shape, gammas, groups, Epsilon);
            using var input = Tensor.Upload(device, Of(shape), values);
            using var outputGradient = Tensor.Upload(device, Of(shape), outputGradients);
            using var output = Tensor.Upload(device, Of(shape), CaseValues.Unwritten(shape.Count));
            using var inputGradient = Tensor.Upload(device, Of(shape), CaseValues.Unwritten(shape.Count));
            using var gamma = device.Upload<float>(gammas);
            using var usedMean = device.Upload<float>(CaseValues.Unwritten(shape.N * c));
            using var usedFactor = device.Upload<float>(CaseValues.Unwritten(shape.N * c));
            using var gammaGradient = device.Upload<float>(CaseValues.Unwritten(c));
            using var betaGradient = device.Upload<float>(CaseValues.Unwritten(c));
            var used = new BatchNorm.Used(usedMean.View, usedFactor.View);
            var affineGradient = new GroupNorm.Affine(gammaGradient.View, betaGradient.View);
            GroupNorm.Run(device, input, gamma.View, gamma.View, groups, Epsilon, Activation.None, output, used);
            GroupNormBackward.Run(device, input, outputGradient, gamma.View, groups, used, false, affineGradient, inputGradient);
            Close(inputGradient.ToArray(), expected.Input, "d input");
            Close(gammaGradient.Download(), expected.Gamma, "d gamma");
            Close(betaGradient.Download(), expected.Beta, "d beta");
            GroupNormBackward.Run(device, input, outputGradient, gamma.View, groups, used, true, affineGradient, outputGradient);
            Close(outputGradient.ToArray(), expected.Input, "d input in place");
            Close(gammaGradient.Download(), [.. expected.Gamma.Select(v => 2 * v)], "d gamma, added");
            Close(betaGradient.Download(), [.. expected.Beta.Select(v => 2 * v)], "d beta, added");

            void Close(float[] actual, float[] values, string what)
            {
                // A float at 100 is known to 8e-6.
                var atol = (mean == 0 ? 2e-5 : 1e-4) * Math.Max(1, values.Max(MathF.Abs));
                findings.Close(actual, values, atol, 1e-4, actual.Length == c ? [c] : shape.ToArray(), what);
            }
        });

    private static void Added(Findings findings, Tensor gradient, float[] expected, Shape4 shape)
        => findings.Close(
            gradient.ToArray(), [.. expected.Select(v => v + There)], 1e-5 * (There + expected.Max(MathF.Abs)), 1e-5, shape.ToArray());

    private static Tensor Gradient(Device device, Shape4 shape)
        => Tensor.Upload(device, Of(shape), [.. Enumerable.Repeat(There, shape.Count)]);

    private static Shape4 MapShape(int channels) => new(Pictures, Level.H, Level.W, channels);

    private static float[] Map(int channels) => CaseValues.Distinct(MapShape(channels).Count, 7, -1, 1);

    private static Shape Of(Shape4 shape) => new(shape.N, shape.H, shape.W, shape.C);
}
