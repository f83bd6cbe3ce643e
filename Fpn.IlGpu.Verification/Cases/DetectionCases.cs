using Fpn.IlGpu.Detection;
using Fpn.IlGpu.Kernels;
using Fpn.IlGpu.Networks;
using Fpn.IlGpu.Runtime;
using Fpn.IlGpu.Tensors;
using Fpn.IlGpu.Verification.Reference;

namespace Fpn.IlGpu.Verification;

/// <summary>
/// The complete steps from the heads' outputs to boxes: proposals, the detections of Faster R-CNN, and those of RetinaNet. Two pictures
/// of different sizes share an input of 64 × 96 px and three levels. No decision is close (a test checks this), so that differences in
/// the last bit of a box or a score do not change the result.
/// </summary>
internal static partial class DetectionCases
{
    private const float PxTolerance = 5e-3f;
    private const float ScoreTolerance = 1e-5f;
    private const int InputH = 64;
    private const int InputW = 96;
    private static readonly ResizedPicture[] Pictures = [new(30, 38, 60, 77), new(96, 160, 48, 80)];
    private static readonly (int H, int W)[] Maps = [(16, 24), (8, 12), (4, 6)];
    private static readonly float[][] AnchorSizes = [[12], [24], [48]];
    private static readonly float[] Ratios = [0.5f, 1, 2];

    /// <summary>The inputs to select boxes from, with the expected results.</summary>
    internal static IReadOnlyList<Problem> Problems { get; } =
    [
        new FromRpn(100, 60, 0.7123f, 0),
        new FromRpn(5000, 1000, 0.4123f, 0.3123f),
        new FromRpn(50, 50, 0.5123f, 1),
        new FromRois(5, 0, [37, 50], 0.0512f, 0.5123f, 100),
        new FromRois(91, 90, [0, 9], 0.0123f, 0.3123f, 20),
        new FromRois(3, 0, [50, 7], 0.3123f, 0.4123f, 7),
        new FromRois(4, 3, [13, 21], 0.9999f, 0.5123f, 7),
        new FromAnchors(4, 100, 0.0512f, 0.5123f, 100),
        new FromAnchors(1, 5000, 0.6123f, 0.3123f, 1000),
        new FromAnchors(3, 10, 0.9999f, 0.5123f, 10),
    ];

    public static IEnumerable<VerifiedOperator> Operators => [
        new("proposals", Cases<FromRpn>()),
        new("detections from RoIs", Cases<FromRois>()),
        new("detections from anchors", Cases<FromAnchors>()),
    ];

    private static IReadOnlyList<VerificationCase> Cases<T>()
        where T : Problem
        => [.. Problems.OfType<T>().Select(p => new VerificationCase(p.Name, p.Run))];

    private static Anchors UploadAnchors(Device device) => new(device, AnchorSizes, Ratios, round: true, stridesDouble: false);

    private static float[][] AnchorsOfLevels => [.. Maps.Select((map, l) => AnchorsReference.Run(
        [map], [(InputH / map.H, InputW / map.W)], [AnchorSizes[l]], Ratios))];

    /// <summary>A selection of boxes for each of the pictures.</summary>
    internal abstract record Problem
    {
        /// <summary>A name made of the counts and thresholds.</summary>
        public abstract string Name { get; }

        /// <summary>Compares a device's selection with the reference's.</summary>
        public abstract void Run(Device device, Findings findings);

        /// <summary>The reference's selection for each picture.</summary>
        /// <param name="change">The amount by which logits and deltas are changed, some up and some down.</param>
        public abstract ChosenBoxes[] Expected(float change);

        protected static float[] Changed(float[] values, float change)
            => [.. values.Select((v, i) => v + (i * 7919L % 13 % 3 - 1) * change)];

        protected static void Compare(Findings findings, List<ScoredBox>[] found, ChosenBoxes[] expected)
        {
            foreach (var (n, own) in found.Index())
                CandidateCases.Compare(findings, own, expected[n], (ScoreTolerance, PxTolerance), $"picture {n}");
        }
    }

    /// <summary>A problem given by logits and deltas of every anchor of every level.</summary>
    private abstract record FromLevels(int PerAnchor) : Problem
    {
        // [level]: [N, H, W, 3 anchors · PerAnchor], and [N, H, W, 3 anchors · 4].
        private float[][] Logits => Split(
            CaseValues.Distinct(Pictures.Length * Maps.Sum(m => m.H * m.W) * Ratios.Length * PerAnchor, 5, -4, 4), PerAnchor);

        private static float[][] Deltas => Split(
            CaseValues.Uniform(Pictures.Length * Maps.Sum(m => m.H * m.W) * Ratios.Length * 4, 6, -0.7f, 0.7f), 4);

        protected FeatureMaps UploadLogits(Device device) => Upload(device, Logits, PerAnchor);

        protected static FeatureMaps UploadDeltas(Device device) => Upload(device, Deltas, 4);

        protected ChosenBoxes[] Expected(float change, Func<float[][], float[][], ResizedPicture, ChosenBoxes> choose)
            => [.. Pictures.Select((picture, n) => choose(
                [.. Logits.Select(l => Changed(OfPicture(l, n), change))], [.. Deltas.Select(l => Changed(OfPicture(l, n), change))],
                picture))];

        private static float[] OfPicture(float[] level, int n)
            => level.AsSpan(level.Length / Pictures.Length * n, level.Length / Pictures.Length).ToArray();

        private static float[][] Split(float[] values, int perAnchor)
        {
            var first = 0;
            return [.. Maps.Select(m => values[first..(first += Pictures.Length * m.H * m.W * Ratios.Length * perAnchor)])];
        }

        private static FeatureMaps Upload(Device device, float[][] levels, int perAnchor)
        {
            var maps = new FeatureMaps(device, finest: 2, [.. Maps.Select(m => new Shape(Pictures.Length, m.H, m.W, Ratios.Length * perAnchor))]);
            maps.Values.Upload([.. levels.SelectMany(l => l)]);
            return maps;
        }
    }

    private sealed record FromRpn(int Before, int After, float NmsThreshold, float ScoreThreshold) : FromLevels(1)
    {
        public override string Name => $"{Before} of a level, {After} of a picture, IoU {NmsThreshold}, above {ScoreThreshold}";

        public override void Run(Device device, Findings findings)
        {
            using var anchors = UploadAnchors(device);
            using var rpn = new RpnOutput(UploadLogits(device), UploadDeltas(device));
            using var pictures = device.Upload<ResizedPicture>(Pictures);
            using var rois = Proposals.Find(
                device, rpn, anchors, InputH, InputW, pictures.View, new(Before, After, NmsThreshold, ScoreThreshold));
            ChosenBoxes[] expected = [.. Expected(0).Select(e => e with { Classes = new int[e.Count] })];
            using var found = FoundBoxes.Of(device, rois, Pictures.Length);
            Compare(findings, found.Fetch(), expected);
            var total = expected.Sum(e => e.Count);
            findings.Same(rois.Total.Download(), [total], "count of all pictures");
            findings.Same(
                rois.Pictures.Download().AsSpan(0, total), [.. expected.SelectMany((e, n) => Enumerable.Repeat(n, e.Count))], "pictures");
        }

        public override ChosenBoxes[] Expected(float change) => Expected(change, (logits, deltas, picture) => ProposalsReference.Run(
            logits, deltas, AnchorsOfLevels, picture.ResizedH, picture.ResizedW, Before, After, NmsThreshold, ScoreThreshold));
    }

    private sealed record FromAnchors(int Classes, int Candidates, float ScoreThreshold, float NmsThreshold, int Most) : FromLevels(Classes)
    {
        public override string Name
            => $"{Candidates} of a level, {Most} of a picture, {Classes} classes, IoU {NmsThreshold}, above {ScoreThreshold}";

        public override void Run(Device device, Findings findings)
        {
            using var anchors = UploadAnchors(device);
            using var output = new RetinaOutput(UploadLogits(device), UploadDeltas(device));
            using var pictures = device.Upload<ResizedPicture>(Pictures);
            using var found = DensePostProcess.Run(
                device, output, anchors, InputH, InputW, pictures.View,
                new(ScoreThreshold, NmsThreshold, Candidates, Most, new(1, 1, 1, 1)));
            Compare(findings, found.Fetch(), Expected(0));
        }

        public override ChosenBoxes[] Expected(float change)
            => Expected(change, (logits, deltas, picture) => AnchorDetectionsReference.Run(
                logits, deltas, AnchorsOfLevels, Classes, [1, 1, 1, 1], picture.ResizedH, picture.ResizedW, ScoreThreshold, NmsThreshold,
                Candidates, Most));
    }
}
