using Fpn.IlGpu.Data;
using Fpn.IlGpu.Imaging;
using Fpn.IlGpu.Tensors;

namespace Fpn.IlGpu.Training;

/// <summary>The ground truth of a picture: its true boxes with their classes, and the regions to ignore.</summary>
internal sealed class PictureTruth
{
    /// <summary>Separates a sample's objects into true boxes and ignored regions. Boxes without area are dropped.</summary>
    public PictureTruth(IEnumerable<SampleObject> objects)
    {
        var whole = objects.Where(o => o.BoxInputPx is { Width: > 0, Height: > 0 }).ToList();
        var truth = whole.FindAll(o => !o.IsIgnored);
        Boxes = [.. truth.Select(o => o.BoxInputPx)];
        Classes = [.. truth.Select(o => o.ClassIndex)];
        Masks = [.. truth.Select(o => o.Mask)];
        Ignored = [.. whole.Where(o => o.IsIgnored).Select(o => o.BoxInputPx)];
    }

    /// <summary>The true boxes, [G], in input px.</summary>
    public Box[] Boxes { get; }

    /// <summary>The class index of each true box, [G], from 0, without the background.</summary>
    public int[] Classes { get; }

    /// <summary>
    /// The pixels of each true box's object, [G], in the picture before it is resized; null where the data have none, or where masks
    /// are not loaded.
    /// </summary>
    public ObjectMask?[] Masks { get; }

    /// <summary>The ignored regions, which are crowds and difficult objects, in input px.</summary>
    public Box[] Ignored { get; }
}
