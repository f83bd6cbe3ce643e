using Fpn.IlGpu.Detection;
using Fpn.IlGpu.Imaging;
using Fpn.IlGpu.Tensors;

namespace Fpn.IlGpu.Tests.Parity;

/// <summary>
/// Every stage of torchvision's forward pass against ours, within 1e-4 of the stage's largest magnitude. Each of our
/// stages is fed by the stage before it, as in detection, except where ranks would have to agree one by one: RoI
/// features and what follows are computed from torchvision's own proposals.
/// </summary>
public sealed class StageParityTests(string deviceId) : DeviceTests(deviceId)
{
    private const float Tolerance = 1e-4f;

    [TestCaseSource(typeof(ReferenceCase), nameof(ReferenceCase.Names))]
    public void Every_stage_agrees_with_torchvision(string name)
    {
        var reference = new ReferenceCase(name);
        using var stages = reference.Stages();
        using var detector = reference.Load(Device);
        using var scope = Device.Memory.BeginPicture();
        using var batch = detector.Transform.Run([PictureReader.Read(reference.Picture(stages.Metadata["image"]))]);
        var report = new StageReport(stages);

        report.Compare("input", batch.Input, everyChannel: true);
        var bottomUp = detector.Backbone.Run(batch.Input);
        for (var l = 0; l < bottomUp.Count; l++)
            report.Compare($"C{l + 2}", bottomUp[l], everyChannel: false);
        using var pyramid = detector.Pyramid.Run(bottomUp);
        using var rpn = detector.RpnHead.Run(pyramid);
        for (var l = 0; l < pyramid.Count; l++)
        {
            report.Compare($"P{l + 2}", pyramid[l], everyChannel: false);
            report.Compare($"rpn.objectness.P{l + 2}", rpn.Objectness[l], everyChannel: true);
            report.Compare($"rpn.deltas.P{l + 2}", rpn.Deltas[l], everyChannel: true);
        }
        report.Compare("anchors", AllAnchors(detector, rpn.Objectness.Shapes, batch.Input.Shape));

        using var proposals = detector.FindProposals(rpn, batch);
        report.CompareProposals(proposals.Boxes.Download()[..proposals.Total.Download()[0]]);

        using var given = GivenProposals(stages, proposals.CapacityPerPicture);
        using var features = detector.PoolFeatures(pyramid, given, batch);
        report.Compare("roi.features", features, everyChannel: false);
        using var fc7 = detector.BoxHead.Features(features, given.Total.View);
        report.Compare("roi.fc7", fc7, everyChannel: true);
        using var predictions = detector.BoxHead.Predict(fc7, given.Total.View);
        report.Compare("roi.logits", predictions.Logits, everyChannel: true);
        report.Compare("roi.deltas", predictions.Deltas, everyChannel: true);
        report.CompareDetections(detector.SelectDetections(predictions, given, batch)[0]);

        TestContext.Out.WriteLine(report.Text);
        Assert.That(report.Failures, Is.Empty);
        Assert.That(report.Compared, Is.SupersetOf(stages.Tensors.Keys), "a stage was not compared");
    }

    private Box[] AllAnchors(FasterRcnn detector, IReadOnlyList<Shape> maps, Shape input)
    {
        var all = new List<Box>();
        foreach (var (level, grid) in detector.Anchors.Grids(maps, input.H, input.W).Index())
        {
            using var anchors = Device.Rent<Box>(grid.H * grid.W * detector.Anchors.PerLocation);
            detector.Anchors.Generate(Device, grid, level, anchors.View);
            all.AddRange(anchors.Download());
        }
        return [.. all];
    }

    private ProposalList GivenProposals(StateDictionary stages, int capacity)
    {
        var boxes = StageReport.Boxes(stages["proposals"].ToArray());
        var list = new ProposalList(Device, 1, capacity);
        list.Boxes.Upload(boxes);
        list.Pictures.Upload(new int[capacity]);
        list.PerPicture.Upload([boxes.Length]);
        list.Total.Upload([boxes.Length]);
        return list;
    }

    /// <summary>Compares one stage after the other and keeps the largest difference of each.</summary>
    private sealed class StageReport(StateDictionary stages)
    {
        public List<string> Compared { get; } = [];

        public List<string> Failures { get; } = [];

        public string Text { get; private set; } = "";

        public static Box[] Boxes(float[] values)
            => [.. values.Chunk(4).Select(b => new Box(b[0], b[1], b[2], b[3]))];

        /// <summary>A tensor of ours [N, H, W, C] against torchvision's [N, C, H, W] or [rows, C], or every 4th channel of it.</summary>
        public void Compare(string stage, Tensor ours, bool everyChannel)
        {
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

        public void Compare(string stage, Box[] ours)
            => Compare(stage, [.. ours.SelectMany(b => new[] { b.X1, b.Y1, b.X2, b.Y2 })], stages[stage].ToArray());

        /// <summary>
        /// Proposals as sets: a score that differs in its last bit may swap neighbours, so each of torchvision's has to
        /// be found within 1e-4 of the picture's size, and at a rank that is at most a few away.
        /// </summary>
        public void CompareProposals(Box[] ours)
        {
            Compared.Add("proposals");
            var expected = Boxes(stages["proposals"].ToArray());
            var largest = expected.Max(b => Math.Max(b.X2, b.Y2));
            var missing = 0;
            for (var i = 0; i < expected.Length; i++)
            {
                var near = ours[Math.Max(0, i - 4)..Math.Min(ours.Length, i + 5)];
                if (!near.Any(b => Distance(b, expected[i]) <= Tolerance * largest))
                    missing++;
            }
            Text += $"proposals: {ours.Length} of {expected.Length}, {missing} not found\n";
            if (missing > 0 || ours.Length != expected.Length)
                Failures.Add($"proposals: {ours.Length} instead of {expected.Length}, {missing} not found");
        }

        public void CompareDetections(IReadOnlyList<DetectedObject> ours)
        {
            Compare("detections.boxes", [.. ours.Select(d => d.BoxImagePx)]);
            Compare("detections.scores", [.. ours.Select(d => d.Score)], stages["detections.scores"].ToArray());
            Compare("detections.labels", [.. ours.Select(d => (float)d.ClassId)], stages["detections.labels"].ToArray());
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
}
