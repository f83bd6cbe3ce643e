using Fpn.IlGpu.Data;
using Fpn.IlGpu.Tensors;

namespace Fpn.IlGpu.Training;

/// <summary>What is to be learned of a picture: its true boxes with their classes, and regions to leave alone.</summary>
internal sealed class PictureTruth
{
    /// <summary>Sorts a sample's objects. Boxes without area are left out: nothing can be learned of them.</summary>
    public PictureTruth(IEnumerable<SampleObject> objects)
    {
        var whole = objects.Where(o => o.BoxInputPx is { Width: > 0, Height: > 0 }).ToList();
        var truth = whole.FindAll(o => !o.IsIgnored);
        Boxes = [.. truth.Select(o => o.BoxInputPx)];
        Classes = [.. truth.Select(o => o.ClassIndex)];
        Ignored = [.. whole.Where(o => o.IsIgnored).Select(o => o.BoxInputPx)];
    }

    /// <summary>[G], in input px.</summary>
    public Box[] Boxes { get; }

    /// <summary>[G], from 0; no background.</summary>
    public int[] Classes { get; }

    /// <summary>Crowds, and objects that are too difficult, in input px.</summary>
    public Box[] Ignored { get; }
}
