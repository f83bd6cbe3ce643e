using Fpn.IlGpu.Kernels;
using Fpn.IlGpu.Networks;

namespace Fpn.IlGpu.Detection;

/// <summary>
/// RetinaNet (Lin et al., Focal Loss for Dense Object Detection): it needs no proposals. On every level of the pyramid, from P3 to P7,
/// one subnet classifies each anchor and another refines its box.
/// </summary>
public sealed class RetinaNet : Detector
{
    internal RetinaNet(ModelSource source)
        : base(source)
    {
        Head = source.Network.Retina!;
        ModelChecks.AnchorsFit(source, Anchors, Head.AnchorsPerLocation);
        Classes = ModelChecks.ClassNames(source, Head.Classes);
    }

    /// <inheritdoc/>
    public override IReadOnlyList<string> Classes { get; }

    internal override string Description => Head.Description;

    internal RetinaHead Head { get; }

    /// <summary>Runs both subnets and selects the best detections.</summary>
    private protected override IReadOnlyList<DetectedObject>[] DetectIn(
        Tape tape, FeatureMaps pyramid, InputBatch batch, CancellationToken cancellation)
    {
        Device.Stage("heads");
        using var output = Head.Run(tape, pyramid);
        cancellation.ThrowIfCancellationRequested();
        Device.Stage("postprocess");
        using var found = SelectDetections(output, batch);
        return ToObjects(found.Fetch(), batch);
    }

    internal FoundBoxes SelectDetections(RetinaOutput output, InputBatch batch)
    {
        var weights = Configuration.BoxWeights;
        return DensePostProcess.Run(
            Device, output, Anchors, batch.Input.Shape.H, batch.Input.Shape.W, batch.Pictures.View,
            new DenseSettings(
                ScoreThreshold, Configuration.BoxNmsThreshold, Configuration.TopkCandidates, Configuration.BoxDetectionsPerImage,
                new BoxWeights(weights[0], weights[1], weights[2], weights[3])));
    }
}
