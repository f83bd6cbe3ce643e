using System.Runtime.InteropServices;
using Fpn.IlGpu.Data;
using Fpn.IlGpu.Detection;
using Fpn.IlGpu.Kernels;
using Fpn.IlGpu.Networks;
using Fpn.IlGpu.Runtime;
using Fpn.IlGpu.Tensors;

namespace Fpn.IlGpu.Training;

/// <summary>
/// One step of training Faster R-CNN end to end ("approximate joint training": Ren et al., section 3.2). Gradients don't flow through
/// the proposals' coordinates.
/// <code>
/// pictures → backbone → pyramid → RPN → its losses, on sampled anchors
///                          ↓       ↓ proposals plus the true boxes
///                          RoI features → box head → its losses, on sampled RoIs
/// </code>
/// The host computes the targets, as their cost is small. It waits for the device only for the proposals, for the losses, and for the
/// gradients' norm, which is checked before any weight changes.
/// An RPN alone ends with its own losses. Fast R-CNN has no RPN and trains on given proposals.
/// </summary>
internal sealed class DetectorTraining
{
    private const long AnchorPurpose = 11;
    private const long RoiPurpose = 12;
    private const int Background = 0;

    private readonly Device device;
    private readonly TrainingConfiguration configuration;
    private readonly DetectorLosses weighting;
    private readonly Func<TrainingSample, Box[]>? given;
    private (int H, int W, BoxColumns Boxes)? latestAnchors;

    /// <summary>Prepares the training of a network.</summary>
    /// <param name="detector">The detector, loaded with its parameters; the caller disposes it.</param>
    /// <param name="configuration">The configuration of the run.</param>
    /// <param name="given">Returns a sample's proposals, in input px, for a network without an RPN; otherwise null.</param>
    public DetectorTraining(
        Detector detector, TrainingConfiguration configuration, Func<TrainingSample, Box[]>? given = null)
    {
        if (detector.Network is { Rpn: null, Retina: null } && given is null)
            throw new ArgumentNullException(nameof(given), "Fast R-CNN needs proposals to train on.");
        device = detector.Device;
        this.given = given;
        this.configuration = configuration;
        Detector = detector;
        weighting = new DetectorLosses(configuration.Rpn.SmoothL1Beta, configuration.BoxHead.SmoothL1Beta);
    }

    /// <summary>The detector that is trained.</summary>
    public Detector Detector { get; }

    private DetectorNetwork Network => Detector.Network;

    /// <summary>Computes the losses of a batch and all gradients, which <see cref="ParameterSet.Step"/> then applies.</summary>
    /// <param name="batch">The pictures.</param>
    /// <param name="isWatched">Whether to check each layer for values that are not finite.</param>
    /// <returns>The losses by name.</returns>
    public IReadOnlyList<KeyValuePair<string, float>> Gradients(SampleBatch batch, bool isWatched = false)
    {
        using var input = Detector.Transform.Run(
            [.. batch.Samples.Select(s => s.Image)],
            [.. batch.Samples.Select(s => new ResizedPicture(s.Image.Height, s.Image.Width, s.ResizedH, s.ResizedW))]);
        var truths = batch.Samples.Select(s => new PictureTruth(s.Objects)).ToArray();
        using var tape = new Tape(device, isWatched);
        var losses = new LossSet(tape);
        var pyramid = Network.Pyramid.Run(tape, Network.Backbone.Run(tape, tape.Input(input.Input)));
        var rpn = Network.Rpn?.Run(tape, pyramid);
        if (rpn is not null)
            weighting.OfRpn(losses, rpn, AnchorTargetsOf(batch.Step, rpn, input.Input.Shape, truths));
        if (Network.Boxes is { } head)
        {
            var proposals = rpn is null ? [.. batch.Samples.Select(given!)] : ProposalsOf(rpn, input);
            AddBoxLosses(tape, losses, head, pyramid, RoiTargetsOf(batch.Step, proposals, truths), input.Input.Shape.H);
        }
        tape.Backward();
        return [.. losses.Read()];
    }

    private void AddBoxLosses(Tape tape, LossSet losses, BoxHead head, FeatureMaps pyramid, RoiTargets[] targets, int inputH)
    {
        var rois = tape.Hold(RoiSet.Of(
            device, targets.SelectMany(r => r.Rois).ToArray(),
            targets.SelectMany((r, n) => Enumerable.Repeat(n, r.Rois.Length)).ToArray()));
        using var roiFeatures = RoiFeatures.Pool(
            tape, pyramid, Network.Pyramid.MergedLevels, rois, inputH, head.Bins, RoiSettings.Of(Detector.Configuration));
        using var features = head.Features(tape, roiFeatures, rois.Total.View);
        using var boxes = head.Predict(tape, features, rois.Total.View);
        // The background is the first class of the head.
        int[] classes = [.. targets.SelectMany(r => r.ClassIndices.Select(c => c == RoiTargets.Background ? Background : c + 1))];
        weighting.OfBoxes(losses, boxes, classes, Background, targets.SelectMany(r => r.Deltas).ToArray());
    }

    private AnchorTargets[] AnchorTargetsOf(long step, RpnOutput rpn, Shape input, PictureTruth[] truths)
    {
        var boxes = AnchorBoxes(rpn.Objectness, input);
        var (rpnTraining, targets) = (configuration.Rpn, new AnchorTargets[truths.Length]);
        var size = new SampleSize(rpnTraining.Samples, rpnTraining.PositiveShare);
        var rule = MatchRule.Anchors with { PositiveFrom = rpnTraining.PositiveIou, NegativeBelow = rpnTraining.NegativeIou };
        Parallel.For(0, truths.Length, n =>
        {
            var random = new KeyedRandom(configuration.Seed, AnchorPurpose, step, n);
            targets[n] = AnchorTargets.Of(boxes, truths[n], size, rule, random);
        });
        return targets;
    }

    /// <summary>The RPN's proposals for each picture, in input px.</summary>
    private Box[][] ProposalsOf(RpnOutput rpn, InputBatch input)
    {
        var (model, training) = (Detector.Configuration, configuration.Rpn);
        using var proposals = Proposals.Find(
            device, rpn, Detector.Anchors, input.Input.Shape.H, input.Input.Shape.W, input.Pictures.View,
            new ProposalSettings(training.PreNmsTopN, training.PostNmsTopN, model.RpnNmsThreshold, model.RpnScoreThreshold));
        var (boxes, counts) = (proposals.Boxes.Download(), proposals.PerPicture.Download());
        var byPicture = new Box[counts.Length][];
        for (var (n, first) = (0, 0); n < counts.Length; first += counts[n++])
            byPicture[n] = boxes.AsSpan(first, counts[n]).ToArray();
        return byPicture;
    }

    private RoiTargets[] RoiTargetsOf(long step, Box[][] proposals, PictureTruth[] truths)
    {
        var (model, training) = (Detector.Configuration, configuration.BoxHead);
        var size = new SampleSize(training.Samples, training.PositiveShare);
        var rule = MatchRule.Rois with { PositiveFrom = training.PositiveIou, NegativeBelow = training.PositiveIou };
        var weights = new BoxWeights(model.BoxWeights[0], model.BoxWeights[1], model.BoxWeights[2], model.BoxWeights[3]);
        var targets = new RoiTargets[truths.Length];
        Parallel.For(0, truths.Length, n =>
        {
            var random = new KeyedRandom(configuration.Seed, RoiPurpose, step, n);
            targets[n] = RoiTargets.Of(proposals[n], truths[n], size, rule, weights, random);
        });
        return targets;
    }

    /// <summary>All anchors of an input, level after level; the anchors of the latest input size are cached.</summary>
    private BoxColumns AnchorBoxes(FeatureMaps maps, Shape input)
    {
        if (latestAnchors is { } known && (known.H, known.W) == (input.H, input.W))
            return known.Boxes;
        var grids = Detector.Anchors.Grids(maps.Shapes, input.H, input.W);
        List<Box> all = [];
        foreach (var (l, grid) in grids.Index())
        {
            using var level = device.Rent<Box>((long)grid.H * grid.W * Detector.Anchors.PerLocation);
            Detector.Anchors.Generate(device, grid, l, level.View);
            all.AddRange(level.Download());
        }
        var boxes = new BoxColumns(CollectionsMarshal.AsSpan(all));
        latestAnchors = (input.H, input.W, boxes);
        return boxes;
    }
}
