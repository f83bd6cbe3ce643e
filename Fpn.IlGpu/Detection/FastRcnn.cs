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
    /// <exception cref="ArgumentException">A region is not finite, or has its edges in reverse.</exception>
    /// <exception cref="Runtime.DeviceException">The device is out of memory or failed.</exception>
    /// <exception cref="OperationCanceledException">The call was cancelled.</exception>
    public IReadOnlyList<DetectedObject> Detect(
        RgbImage picture, IReadOnlyList<Box> proposalsImagePx, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(picture);
        ArgumentNullException.ThrowIfNull(proposalsImagePx);
        return Detect([picture], [proposalsImagePx], cancellation)[0];
    }

    /// <summary>Finds the objects in given regions of each picture of a batch; the pictures may differ in size.</summary>
    /// <param name="pictures">The pictures; the list may be empty.</param>
    /// <param name="proposalsImagePx">The regions of each picture, in px of the picture; a picture may have none.</param>
    /// <param name="cancellation">Checked between two stages of the work.</param>
    /// <returns>The objects of each picture, best first.</returns>
    /// <exception cref="ArgumentException">
    /// A picture or a list is null, there are not as many lists as pictures, or a region is not finite or has its edges in reverse.
    /// </exception>
    /// <exception cref="Runtime.DeviceException">The device is out of memory or failed.</exception>
    /// <exception cref="OperationCanceledException">The call was cancelled.</exception>
    public IReadOnlyList<IReadOnlyList<DetectedObject>> Detect(
        IReadOnlyList<RgbImage> pictures, IReadOnlyList<IReadOnlyList<Box>> proposalsImagePx, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(pictures);
        ArgumentNullException.ThrowIfNull(proposalsImagePx);
        Batch.Check(pictures, nameof(pictures));
        CheckProposals(proposalsImagePx, pictures.Count);
        if (pictures.Count == 0)
            return [];
        return Detect(
            [.. pictures.Select(PixelFrame.FromRgbImage)],
            (tape, pyramid, batch, _) =>
            {
                using var found = FindBoxes(tape, pyramid, GivenProposals(proposalsImagePx, batch), batch, cancellation);
                return ToObjects(tape, pyramid, found, batch, cancellation);
            },
            cancellation);
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

    private static void CheckProposals(IReadOnlyList<IReadOnlyList<Box>> proposalsImagePx, int pictures)
    {
        if (proposalsImagePx.Count != pictures)
        {
            throw new ArgumentException(
                $"There are {proposalsImagePx.Count} lists of proposals for {pictures} pictures; give one list a picture.", nameof(proposalsImagePx));
        }
        for (var n = 0; n < pictures; n++)
        {
            if (proposalsImagePx[n] is not { } own)
                throw new ArgumentException($"The proposals of picture {n} are null; give an empty list for none.", nameof(proposalsImagePx));
            for (var r = 0; r < own.Count; r++)
            {
                var box = own[r];
                // Written so that NaN fails.
                if (!(box.X2 >= box.X1 && box.Y2 >= box.Y1 && float.IsFinite(box.Width) && float.IsFinite(box.Height)))
                {
                    throw new ArgumentException(
                        $"Proposal {r} of picture {n} is {box}; the edges must be finite, x1 at most x2, and y1 at most y2.", nameof(proposalsImagePx));
                }
            }
        }
    }

    private RoiSet GivenProposals(IReadOnlyList<IReadOnlyList<Box>> boxesImagePx, InputBatch batch)
    {
        var rois = new RoiSet(Device, boxesImagePx.Count, Math.Max(1, boxesImagePx.Max(own => own.Count)));
        Box[] boxes = [.. boxesImagePx.Zip(batch.Sizes).SelectMany(picture => picture.First.Select(box => ToInputPx(box, picture.Second)))];
        if (boxes.Length > 0)
        {
            rois.Boxes.Upload(boxes);
            rois.Pictures.Upload([.. boxesImagePx.SelectMany((own, n) => Enumerable.Repeat(n, own.Count))]);
        }
        rois.PerPicture.Upload([.. boxesImagePx.Select(own => own.Count)]);
        rois.Total.Upload([boxes.Length]);
        return rois;
    }
}
