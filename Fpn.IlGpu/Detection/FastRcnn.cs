using Fpn.IlGpu.Imaging;
using Fpn.IlGpu.Kernels;
using Fpn.IlGpu.Networks;
using Fpn.IlGpu.Tensors;

namespace Fpn.IlGpu.Detection;

/// <summary>
/// Fast R-CNN on a Feature Pyramid Network (Lin et al., section 4.2): classifies each region and refines its box. The caller
/// provides the regions; <see cref="FasterRcnn"/> finds them itself.
/// </summary>
public class FastRcnn : Detector
{
    internal FastRcnn(ModelSource source)
        : base(source)
    {
        BoxHead = source.Network.Boxes!;
        Classes = ModelChecks.ClassNames(source, BoxHead.Classes);
    }

    /// <inheritdoc/>
    public override IReadOnlyList<string> Classes { get; }

    internal override string Description => $"box head of {BoxHead.Description}";

    internal BoxHead BoxHead { get; }

    /// <summary>Finds the objects in given regions of a picture.</summary>
    /// <param name="picture">The picture.</param>
    /// <param name="proposalsImagePx">The regions, in px of the picture; the list may be empty.</param>
    /// <param name="cancellation">Checked between two stages of the work.</param>
    /// <returns>The objects, best first.</returns>
    /// <exception cref="Runtime.DeviceException">The device is out of memory or failed.</exception>
    /// <exception cref="OperationCanceledException">The call was cancelled.</exception>
    public IReadOnlyList<DetectedObject> Detect(
        RgbImage picture, IReadOnlyList<Box> proposalsImagePx, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(picture);
        ArgumentNullException.ThrowIfNull(proposalsImagePx);
        return Detect(
            [picture],
            (tape, pyramid, batch, _) =>
            {
                using var found = FindBoxes(tape, pyramid, GivenProposals(proposalsImagePx, batch), batch, cancellation);
                return ToObjects(found.Fetch(), batch);
            },
            cancellation)[0];
    }

    /// <summary>Runs the stages after the pyramid: proposals, RoI features, box head, post-processing.</summary>
    private protected override IReadOnlyList<DetectedObject>[] DetectIn(
        Tape tape, FeatureMaps pyramid, InputBatch batch, CancellationToken cancellation)
    {
        using var found = FindBoxes(tape, pyramid, batch, cancellation);
        return ToObjects(tape, pyramid, found, batch, cancellation);
    }

    /// <summary>Fetches the found boxes, with what else the detector finds out about them.</summary>
    private protected virtual IReadOnlyList<DetectedObject>[] ToObjects(
        Tape tape, FeatureMaps pyramid, FoundBoxes found, InputBatch batch, CancellationToken cancellation)
        => ToObjects(found.Fetch(), batch);

    /// <summary>Finds boxes and leaves them on the device; the caller disposes them.</summary>
    internal FoundBoxes FindBoxes(Tape tape, FeatureMaps pyramid, InputBatch batch, CancellationToken cancellation)
        => FindBoxes(tape, pyramid, FindProposals(tape, pyramid, batch, cancellation), batch, cancellation);

    // Disposes the regions.
    private FoundBoxes FindBoxes(Tape tape, FeatureMaps pyramid, RoiSet regions, InputBatch batch, CancellationToken cancellation)
    {
        using var proposals = regions;
        Device.Stage("RoI features");
        using var roiFeatures = PoolFeatures(tape, pyramid, proposals, batch, BoxHead.Bins);
        Device.Stage("box head");
        using var features = BoxHead.Features(tape, roiFeatures, proposals.Total.View);
        using var predictions = BoxHead.Predict(tape, features, proposals.Total.View);
        cancellation.ThrowIfCancellationRequested();
        Device.Stage("postprocess");
        return SelectDetections(predictions, proposals, batch);
    }

    /// <summary>Finds regions for pictures that come without any.</summary>
    private protected virtual RoiSet FindProposals(
        Tape tape, FeatureMaps pyramid, InputBatch batch, CancellationToken cancellation)
        => throw new InvalidOperationException("Fast R-CNN does not find regions itself: pass proposals with the picture.");

    internal Variable PoolFeatures(Tape tape, FeatureMaps pyramid, RoiSet rois, InputBatch batch, int bins)
        => RoiFeatures.Pool(tape, pyramid, Pyramid.MergedLevels, rois, batch.Input.Shape.H, bins, RoiSettings.Of(Configuration));

    internal FoundBoxes SelectDetections(BoxPredictions predictions, RoiSet proposals, InputBatch batch)
        => PostProcess.Run(Device, predictions, proposals, batch.Pictures.View, PostProcessSettings);

    private protected PostProcessSettings PostProcessSettings
    {
        get
        {
            var weights = Configuration.BoxWeights;
            return new PostProcessSettings(
                ScoreThreshold, Configuration.BoxNmsThreshold, Configuration.BoxDetectionsPerImage,
                new BoxWeights(weights[0], weights[1], weights[2], weights[3]), Configuration.BackgroundLast);
        }
    }

    private RoiSet GivenProposals(IReadOnlyList<Box> boxesImagePx, InputBatch batch)
    {
        var rois = new RoiSet(Device, batch: 1, Math.Max(1, boxesImagePx.Count));
        if (boxesImagePx.Count > 0)
        {
            rois.Boxes.Upload([.. boxesImagePx.Select(box => ToInputPx(box, batch.Sizes[0]))]);
            rois.Pictures.Upload(new int[boxesImagePx.Count]);
        }
        rois.PerPicture.Upload([boxesImagePx.Count]);
        rois.Total.Upload([boxesImagePx.Count]);
        return rois;
    }
}
