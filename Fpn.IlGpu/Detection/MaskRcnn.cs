using Fpn.IlGpu.Imaging;
using Fpn.IlGpu.Kernels;
using Fpn.IlGpu.Networks;

namespace Fpn.IlGpu.Detection;

/// <summary>
/// Mask R-CNN (He et al., Mask R-CNN, section 3): Faster R-CNN, plus a mask for each detected object, computed from the RoI
/// features of its box.
/// </summary>
public sealed class MaskRcnn : FasterRcnn
{
    // The value of torchvision and Detectron2; a mask has twice as many px a side.
    internal const int Bins = 14;

    internal MaskRcnn(ModelSource source)
        : base(source)
    {
        MaskHead = source.Network.Masks!;
        ModelChecks.MasksFit(source, MaskHead, BoxHead);
    }

    internal override string Description => $"{base.Description}; mask head of {MaskHead.Description}";

    internal MaskHead MaskHead { get; }

    /// <summary>
    /// After Faster R-CNN: RoI features of the found boxes, the mask head, and pasting. The host waits twice: for the boxes,
    /// because their number and sizes determine the work for the masks, and for the masks.
    /// </summary>
    private protected override IReadOnlyList<DetectedObject>[] ToObjects(
        Tape tape, FeatureMaps pyramid, FoundBoxes found, InputBatch batch, CancellationToken cancellation)
    {
        var objects = ToObjects(found.Fetch(), batch);
        var total = objects.Sum(own => own.Count);
        if (total == 0)
            return objects;

        using var classIds = Device.Rent<int>(total);
        using var rois = found.ToRois(total, classIds.View);
        Device.Stage("mask features");
        using var roiFeatures = PoolFeatures(tape, pyramid, rois, batch, Bins);
        Device.Stage("mask head");
        using var features = MaskHead.Features(tape, roiFeatures);
        using var masks = MaskHead.Predict(tape, features, classIds.View);
        cancellation.ThrowIfCancellationRequested();
        Device.Stage("mask paste");
        return Paste(objects, masks, batch);
    }

    /// <summary>Returns the objects with their masks pasted at the size of their pictures.</summary>
    /// <param name="objects">The objects of each picture.</param>
    /// <param name="masks">The masks of all pictures' objects in order, [D, 2 · bins, 2 · bins, 1].</param>
    /// <param name="batch">The pictures' sizes.</param>
    internal IReadOnlyList<DetectedObject>[] Paste(IReadOnlyList<DetectedObject>[] objects, Tensors.Tensor masks, InputBatch batch)
    {
        MaskTarget[] targets = [.. objects.Zip(batch.Sizes).SelectMany(picture =>
            picture.First.Select(o => new MaskTarget(o.BoxImagePx, picture.Second.W, picture.Second.H)))];
        var pasted = new Queue<ObjectMask>(ObjectMasks.Paste(
            Device, masks.View, masks.Shape.H, targets, Configuration.MaskThreshold, Configuration.MaskBoxRounded));
        return [.. objects.Select(own => (IReadOnlyList<DetectedObject>)[.. own.Select(o => o with { Mask = pasted.Dequeue() })])];
    }

    /// <summary>The multiply-adds for the mask of one object, measured by running the mask head on one RoI.</summary>
    internal long MultiplyAddsPerMask()
    {
        lock (Device.Lock)
        {
            return Device.Guard(() =>
            {
                var before = Device.MultiplyAdds;
                using var scope = Device.Memory.BeginPicture();
                using var tape = Tape.ForInference(Device);
                using var roiFeatures = tape.New(Tensors.Tensor.Rent(Device, new Tensors.Shape(1, Bins, Bins, Pyramid.Channels)));
                using var features = MaskHead.Features(tape, roiFeatures);
                using var classIds = Device.Upload<int>([0]);
                using var masks = MaskHead.Predict(tape, features, classIds.View);
                return Device.MultiplyAdds - before;
            });
        }
    }
}
