using Fpn.IlGpu.Imaging;
using Fpn.IlGpu.Networks;

namespace Fpn.IlGpu.Detection;

/// <summary>
/// Faster R-CNN on a Feature Pyramid Network (Lin et al., sections 4 and 5.2): the RPN proposes regions on every level, and the
/// Fast R-CNN head classifies each region and refines its box.
/// </summary>
public class FasterRcnn : FastRcnn
{
    internal FasterRcnn(ModelSource source)
        : base(source)
        => Rpn = new RegionProposalNetwork(source, Anchors);

    internal override string Description => $"{Rpn.Head.Description}; {base.Description}";

    internal RegionProposalNetwork Rpn { get; }

    /// <summary>
    /// Finds the objects in a picture, and keeps every stage: the feature maps, objectness, proposals before and after NMS, the levels
    /// and features of the regions, class scores and deltas. It takes several times the time and memory of a detection.
    /// </summary>
    /// <param name="picture">The picture.</param>
    /// <param name="cancellation">Checked between two stages of the work.</param>
    /// <exception cref="InvalidOperationException">
    /// The model's pyramid lacks a part of the paper's, or it detects at several sizes.
    /// </exception>
    /// <exception cref="Runtime.DeviceException">The device is out of memory or failed.</exception>
    /// <exception cref="OperationCanceledException">The call was cancelled.</exception>
    public DetectionTrace Trace(RgbImage picture, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(picture);
        if (Pyramid is not FeaturePyramid pyramid)
            throw new InvalidOperationException("Only models with a whole feature pyramid can be traced.");
        if (Configuration.ImagePyramid.Length > 0)
            throw new InvalidOperationException("A model with an image pyramid (image_pyramid) detects at several sizes, and a trace has one.");
        lock (Device.Lock)
        {
            ThrowIfDisposed();
            return Device.Guard(() => TraceStages(pyramid, picture, cancellation));
        }
    }

    private DetectionTrace TraceStages(FeaturePyramid topDown, RgbImage picture, CancellationToken cancellation)
    {
        using var scope = Device.Memory.BeginPicture();
        using var tape = Tape.ForInference(Device);
        using var batch = Transform.Run([picture]);
        var inputH = batch.Input.Shape.H;
        var bottomUp = Backbone.Run(tape, tape.Input(batch.Input));
        var backboneMaps = bottomUp.Select((_, map) => DetectionTracing.Map(map, inputH));
        cancellation.ThrowIfCancellationRequested();
        var topDownMaps = DetectionTracing.Merges(topDown, tape, bottomUp, inputH);
        using var pyramid = topDown.Run(tape, bottomUp);
        cancellation.ThrowIfCancellationRequested();

        using var rpn = Rpn.Head.Run(tape, pyramid);
        var (proposals, regions) = DetectionTracing.Propose(Rpn, Anchors, rpn, batch, Device);
        using var rois = regions;
        var total = rois.Total.Download()[0];
        cancellation.ThrowIfCancellationRequested();

        using var places = RoiFeatures.Places(Device, pyramid, topDown.MergedLevels, rois, inputH, RoiSettings.Of(Configuration).LevelRule);
        using var roiFeatures = PoolFeatures(tape, pyramid, rois, batch, BoxHead.Bins);
        using var features = BoxHead.Features(tape, roiFeatures, rois.Total.View);
        using var predictions = BoxHead.Predict(tape, features, rois.Total.View);
        cancellation.ThrowIfCancellationRequested();
        using var lists = PostProcess.Decode(Device, predictions, rois, batch.Pictures.View, PostProcessSettings);
        var scores = predictions.Logits.Value.ToArray();
        var classBoxes = DetectionTracing.ClassBoxes(lists, scores, () => PostProcess.Suppress(Device, lists, PostProcessSettings));
        using var found = PostProcess.Best(Device, lists, 1, PostProcessSettings);

        var (boxes, objectness, levels) = (rois.Boxes.Download(), rois.Scores.Download(), places.Download());
        var deltas = predictions.Deltas.Value.ToArray();
        var (classes, deltaCount) = (predictions.Logits.Shape.C, predictions.Deltas.Shape.C);
        var size = batch.Sizes[0];
        return new DetectionTrace
        {
            Resized = (size.ResizedW, size.ResizedH),
            Input = DetectionTracing.Map(batch.Input, inputH),
            BottomUp = backboneMaps,
            TopDown = topDownMaps,
            Pyramid = DetectionTracing.Maps(pyramid, inputH),
            Objectness = DetectionTracing.Maps(rpn.Objectness, inputH),
            AnchorDeltas = DetectionTracing.Maps(rpn.Deltas, inputH),
            Proposals = proposals,
            Rois = [.. Enumerable.Range(0, total).Select(r => new TracedRoi(
                boxes[r], objectness[r], pyramid.Finest + levels[r].Level, scores[(r * classes)..((r + 1) * classes)],
                deltas[(r * deltaCount)..((r + 1) * deltaCount)]))],
            RoiFeatures = roiFeatures.Value.ToArray()[..(total * BoxHead.Bins * BoxHead.Bins * topDown.Channels)],
            Bins = BoxHead.Bins,
            ClassBoxes = classBoxes,
            Objects = ToObjects(tape, pyramid, found, batch, cancellation)[0],
        };
    }

    /// <summary>Runs the RPN and selects its proposals.</summary>
    private protected override RoiSet FindProposals(
        Tape tape, FeatureMaps pyramid, InputBatch batch, CancellationToken cancellation)
    {
        Device.Stage("RPN head");
        using var rpn = Rpn.Head.Run(tape, pyramid);
        cancellation.ThrowIfCancellationRequested();
        Device.Stage("proposals");
        return Rpn.FindProposals(rpn, batch);
    }
}
