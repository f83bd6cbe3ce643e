using System.Runtime.InteropServices;
using Fpn.IlGpu.Data;
using Fpn.IlGpu.Detection;
using Fpn.IlGpu.Kernels;
using Fpn.IlGpu.Networks;
using Fpn.IlGpu.Runtime;
using Fpn.IlGpu.Tensors;

namespace Fpn.IlGpu.Training;

/// <summary>
/// One step of training a detector. Faster R-CNN and Mask R-CNN are trained end to end ("approximate joint training": Ren et al.,
/// section 3.2); gradients don't flow through the proposals' coordinates.
/// <code>
/// pictures → backbone → pyramid → RPN → its losses, on sampled anchors
///                          ↓       ↓ proposals plus the true boxes
///                          RoI features → box head → its losses, on sampled RoIs
///                          ↓            → mask head → its loss, on the RoIs that match an object
///                          RetinaNet's head → its losses, on all anchors
///                          windows → their scores' loss, on sampled windows, and their masks' loss, on the positive ones
/// </code>
/// The host computes the targets, as their cost is small. It waits for the device only for the proposals, for the losses, and for the
/// gradients' norm, which is checked before any weight changes.
/// An RPN alone ends with its own losses. Fast R-CNN has no RPN and trains on given proposals.
/// </summary>
internal sealed class DetectorTraining
{
    private const long AnchorPurpose = 11;
    private const long RoiPurpose = 12;
    private const long WindowPurpose = 13;
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
        if (detector.Network is { Rpn: null, Retina: null, MaskProposals: null } && given is null)
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

    /// <summary>The class id of the background: the first, or the last with <c>background_last</c>.</summary>
    private int Background => Detector.Configuration.BackgroundLast ? Detector.Classes.Count - 1 : 0;

    private BoxWeights DeltaWeights
    {
        get
        {
            var w = Detector.Configuration.BoxWeights;
            return new BoxWeights(w[0], w[1], w[2], w[3]);
        }
    }

    /// <summary>Computes the losses of a batch and all gradients, which <see cref="ParameterSet.Step"/> then applies.</summary>
    /// <param name="batch">The pictures.</param>
    /// <param name="isWatched">Whether to check each layer for values that are not finite.</param>
    /// <param name="share">The batch's share in the step: 1 over the number of batches whose gradients are added up.</param>
    /// <returns>The losses by name.</returns>
    public IReadOnlyDictionary<string, float> Gradients(SampleBatch batch, bool isWatched = false, float share = 1)
    {
        using var input = Detector.Transform.Run(
            [.. batch.Samples.Select(s => s.Image)],
            [.. batch.Samples.Select(s => new ResizedPicture(s.Image.Height, s.Image.Width, s.ResizedH, s.ResizedW))]);
        var truths = batch.Samples.Select(s => new PictureTruth(s.Objects)).ToArray();
        using var tape = new Tape(device, isWatched);
        var losses = new LossSet(tape, share);
        var pyramid = Network.Pyramid.Run(tape, Network.Backbone.Run(tape, tape.Input(input.Input)));
        var rpn = Network.Rpn?.Run(tape, pyramid);
        if (rpn is not null)
            weighting.OfRpn(losses, rpn, AnchorTargetsOf(batch.Step, rpn, input.Input.Shape, truths));
        if (Network.Boxes is { } boxes)
        {
            var proposals = rpn is null ? [.. batch.Samples.Select(given!)] : ProposalsOf(rpn, input);
            var targets = RoiTargetsOf(batch.Step, proposals, truths);
            AddBoxLosses(tape, losses, boxes, pyramid, targets, input.Input.Shape.H);
            if (Network.Masks is { } masks)
                AddMaskLoss(tape, losses, masks, pyramid, targets, MaskTargetsOf(batch, targets, truths), input.Input.Shape.H);
        }
        if (Network.Retina is { } retina)
        {
            var output = retina.Run(tape, pyramid);
            DetectorLosses.OfRetina(losses, output, RetinaTargetsOf(output, input.Input.Shape, truths), configuration.Retina);
        }
        if (Network.MaskProposals is { } windows)
        {
            var output = windows.Run(tape, pyramid);
            var targets = WindowTargetsOf(batch, output.Scores, truths);
            DetectorLosses.OfMaskProposals(losses, tape, windows, output, targets, configuration.MaskProposals.MaskWeight);
        }
        tape.Backward();
        return losses.Read();
    }

    private void AddBoxLosses(Tape tape, LossSet losses, BoxHead head, FeatureMaps pyramid, RoiTargets[] targets, int inputH)
    {
        var rois = RoisOf(tape, [.. targets.Select(t => t.Rois)]);
        using var roiFeatures = Pool(tape, pyramid, rois, inputH, head.Bins);
        using var features = head.Features(tape, roiFeatures, rois.Total.View);
        using var boxes = head.Predict(tape, features, rois.Total.View);
        int[] classes = [.. targets.SelectMany(r => r.ClassIndices.Select(ClassId))];
        weighting.OfBoxes(losses, boxes, classes, Background, targets.SelectMany(r => r.Deltas).ToArray());
    }

    private void AddMaskLoss(
        Tape tape, LossSet losses, MaskHead head, FeatureMaps pyramid, RoiTargets[] targets, MaskTargets[] masks, int inputH)
    {
        if (masks.All(own => own.Positives.Length == 0))
        {
            losses.Zero("masks");
            return;
        }
        // The head runs on the RoIs that match an object with a mask.
        var rois = RoisOf(tape, [.. targets.Zip(masks, (t, own) => own.Positives.Select(r => t.Rois[r]).ToArray())]);
        using var roiFeatures = Pool(tape, pyramid, rois, inputH, MaskRcnn.Bins);
        using var features = head.Features(tape, roiFeatures);
        using var logits = head.Logits(tape, features);
        int[] classIds = [.. targets.Zip(masks, (t, own) => own.Positives.Select(r => ClassId(t.ClassIndices[r]))).SelectMany(ids => ids)];
        losses.Masks("masks", logits, classIds, masks.SelectMany(own => own.Values).ToArray());
    }

    private static MaskTargets[] MaskTargetsOf(SampleBatch batch, RoiTargets[] targets, PictureTruth[] truths)
        => [.. targets.Select((t, n) => MaskTargets.Of(
            t, truths[n], batch.Samples[n].ResizedH, batch.Samples[n].ResizedW, side: 2 * MaskRcnn.Bins))];

    /// <summary>Copies the RoIs of each picture to the device, for as long as the tape.</summary>
    private RoiSet RoisOf(Tape tape, Box[][] boxes) => tape.Hold(RoiSet.Of(
        device, boxes.SelectMany(own => own).ToArray(), boxes.SelectMany((own, n) => Enumerable.Repeat(n, own.Length)).ToArray()));

    private Variable Pool(Tape tape, FeatureMaps pyramid, RoiSet rois, int inputH, int bins) => RoiFeatures.Pool(
        tape, pyramid, Network.Pyramid.MergedLevels, rois, inputH, bins, RoiSettings.Of(Detector.Configuration));

    private RetinaTargets[] RetinaTargetsOf(RetinaOutput output, Shape input, PictureTruth[] truths)
    {
        var boxes = AnchorBoxes(output.Deltas, input);
        var (training, targets) = (configuration.Retina, new RetinaTargets[truths.Length]);
        var rule = MatchRule.RetinaNet with { PositiveFrom = training.PositiveIou, NegativeBelow = training.NegativeIou };
        Parallel.For(0, truths.Length, n => targets[n] = RetinaTargets.Of(boxes, truths[n], rule, DeltaWeights));
        return targets;
    }

    private MaskProposalTargets[] WindowTargetsOf(SampleBatch batch, FeatureMaps scores, PictureTruth[] truths)
    {
        var (training, detector, targets) = (configuration.MaskProposals, (MaskProposalNetwork)Detector, new MaskProposalTargets[truths.Length]);
        var windows = detector.Windows(scores.Finest / detector.Head.Windows);
        Parallel.For(0, truths.Length, n => targets[n] = MaskProposalTargets.Of(
            windows, scores.Shapes, (truths[n], batch.Samples[n].ResizedH, batch.Samples[n].ResizedW),
            new SampleSize(training.Samples, training.PositiveShare), detector.Head.MaskSide,
            new KeyedRandom(configuration.Seed, WindowPurpose, batch.Step, n)));
        return targets;
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
        var training = configuration.BoxHead;
        var size = new SampleSize(training.Samples, training.PositiveShare);
        var rule = MatchRule.Rois with { PositiveFrom = training.PositiveIou, NegativeBelow = training.PositiveIou };
        var targets = new RoiTargets[truths.Length];
        Parallel.For(0, truths.Length, n =>
        {
            var random = new KeyedRandom(configuration.Seed, RoiPurpose, step, n);
            targets[n] = RoiTargets.Of(proposals[n], truths[n], size, rule, DeltaWeights, random);
        });
        return targets;
    }

    /// <summary>The head's class id of a class index.</summary>
    private int ClassId(int classIndex)
        => classIndex == RoiTargets.Background ? Background : Background == 0 ? classIndex + 1 : classIndex;

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
