using Fpn.IlGpu.Kernels;
using Fpn.IlGpu.Networks;

namespace Fpn.IlGpu.Detection;

/// <summary>
/// Mask R-CNN (He et al., Mask R-CNN, section 3): Faster R-CNN, and for each object that it finds a mask, computed from
/// features of the found box.
/// </summary>
public sealed class MaskRcnn : FasterRcnn
{
    // Of torchvision and Detectron2; a mask is twice that.
    internal const int Bins = 14;

    internal MaskRcnn(ModelSource source)
        : base(source)
    {
        MaskHead = MaskHead.Read(Device, Weights, "roi_heads", Pyramid.Channels);
        ModelChecks.MasksFit(source, MaskHead, BoxHead);
    }

    internal override string Description => $"{base.Description}; mask head of {MaskHead.Description}";

    internal MaskHead MaskHead { get; }

    /// <summary>All of Faster R-CNN; then RoI features of the found boxes, mask head, pasting.</summary>
    private protected override IReadOnlyList<DetectedObject>[] DetectIn(
        FeatureMaps pyramid, InputBatch batch, CancellationToken cancellation)
    {
        var found = FindBoxes(pyramid, batch, cancellation);
        var objects = ToObjects(found, batch);
        if (found.All(boxes => boxes.Count == 0))
            return objects;

        using var rois = RoiSet.Of(Device, [.. found.Select(boxes => boxes.Select(b => b.BoxInputPx).ToArray())]);
        Device.Stage("mask features");
        using var roiFeatures = PoolFeatures(pyramid, rois, batch, Bins);
        Device.Stage("mask head");
        using var features = MaskHead.Features(roiFeatures);
        using var classIds = Device.Upload<int>([.. found.SelectMany(boxes => boxes.Select(b => b.ClassId))]);
        using var masks = MaskHead.Predict(features, classIds.View);
        cancellation.ThrowIfCancellationRequested();
        Device.Stage("mask paste");
        return Paste(objects, masks, batch);
    }

    /// <summary>The objects with their masks at the size of their pictures.</summary>
    /// <param name="objects">Of each picture.</param>
    /// <param name="masks">[D, 2 · bins, 2 · bins, 1], of all pictures' objects in order.</param>
    /// <param name="batch">The pictures' sizes.</param>
    internal IReadOnlyList<DetectedObject>[] Paste(IReadOnlyList<DetectedObject>[] objects, Tensors.Tensor masks, InputBatch batch)
    {
        var side = masks.Shape.H;
        var first = 0L;
        for (var n = 0; n < objects.Length; n++)
        {
            var own = objects[n];
            var length = (long)own.Count * side * side;
            var pasted = own.Count == 0 ? [] : MaskPaste.Run(
                Device, masks.View.SubView(first, length), side, [.. own.Select(o => o.BoxImagePx)], batch.Sizes[n].W, batch.Sizes[n].H,
                Configuration.MaskThreshold, Configuration.MaskBoxRounded);
            objects[n] = [.. own.Zip(pasted, (o, mask) => o with { Mask = mask })];
            first += length;
        }
        return objects;
    }

    /// <summary>What the mask of one object takes, counted on one.</summary>
    internal long MultiplyAddsPerMask()
    {
        lock (Device.Lock)
        {
            return Device.Guard(() =>
            {
                var before = Device.MultiplyAdds;
                using var scope = Device.Memory.BeginPicture();
                using var roiFeatures = Tensors.Tensor.Rent(Device, new Tensors.Shape(1, Bins, Bins, Pyramid.Channels));
                using var features = MaskHead.Features(roiFeatures);
                using var classIds = Device.Upload<int>([0]);
                using var masks = MaskHead.Predict(features, classIds.View);
                return Device.MultiplyAdds - before;
            });
        }
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        MaskHead.Dispose();
        base.Dispose(disposing);
    }
}
