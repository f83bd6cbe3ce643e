using Fpn.IlGpu.Runtime;
using Fpn.IlGpu.Tensors;
using ILGPU;

namespace Fpn.IlGpu.Detection;

/// <summary>A box that was found: in px of the network's input, with its probability and class.</summary>
internal readonly record struct ScoredBox(Box BoxInputPx, float Score, int ClassId);

/// <summary>
/// What was found in each picture of a batch, on the device: [N, 1 + most]. A picture's first place says as its class id
/// how many of the places after it hold boxes, so that one copy fetches all there is.
/// </summary>
internal sealed class FoundBoxes(Device device, int batch, int most) : IDisposable
{
    private readonly DeviceArray<ScoredBox> places = device.Rent<ScoredBox>((long)batch * (1 + most));

    /// <summary>The places of a picture.</summary>
    public int PerPicture => 1 + most;

    /// <summary>The places of all pictures.</summary>
    public int Places => batch * PerPicture;

    /// <summary>What kernels fill.</summary>
    public ArrayView<ScoredBox> View => places.View;

    /// <summary>Proposals as found boxes, of class 0.</summary>
    public static FoundBoxes Of(Device device, RoiSet rois, int batch)
    {
        var found = new FoundBoxes(device, batch, rois.CapacityPerPicture);
        device.Launch(RoisKernel, found.Places, rois.View, rois.PerPicture.View, found.PerPicture, found.View);
        return found;
    }

    /// <summary>Fetches them, after all work queued so far: for each picture, best first.</summary>
    public List<ScoredBox>[] Fetch()
    {
        var all = places.Download();
        return [.. Enumerable.Range(0, batch).Select(n => n * PerPicture)
            .Select(first => all.AsSpan(first + 1, all[first].ClassId).ToArray().ToList())];
    }

    /// <summary>As regions, one picture's after the other's.</summary>
    /// <param name="total">How many there are.</param>
    /// <param name="classIds">Their classes, [total].</param>
    public RoiSet ToRois(int total, ArrayView<int> classIds)
    {
        // All of them as if of one picture, so that there is room for no more than there are.
        var rois = new RoiSet(device, 1, total);
        device.Launch(ToRoisKernel, Places, View, PerPicture, rois.View, classIds);
        return rois;
    }

    /// <inheritdoc/>
    public void Dispose() => places.Dispose();

    /// <summary>One thread = one place of a picture: how many there are, or one of them.</summary>
    internal static void RoisKernel(
        Index1D index, Rois rois, ArrayView<int> counts, int perPicture, ArrayView<ScoredBox> places)
    {
        var n = index / perPicture;
        var rank = index % perPicture - 1;
        var from = rank;
        for (var i = 0; i < n; i++)
            from += counts[i];
        if (rank < 0)
            places[index] = new ScoredBox(default, 0, counts[n]);
        else if (rank < counts[n])
            places[index] = new ScoredBox(rois.Boxes[from], rois.Scores[from], 0);
    }

    /// <summary>One thread = one place of a picture: its box among those of all pictures.</summary>
    internal static void ToRoisKernel(Index1D index, ArrayView<ScoredBox> places, int perPicture, Rois rois, ArrayView<int> classIds)
    {
        var n = index / perPicture;
        var rank = index % perPicture - 1;
        var count = places[n * perPicture].ClassId;
        var to = rank;
        for (var i = 0; i < n; i++)
            to += places[i * perPicture].ClassId;
        if (rank >= 0 && rank < count)
        {
            var found = places[index];
            rois.Boxes[to] = found.BoxInputPx;
            rois.Scores[to] = found.Score;
            rois.Pictures[to] = n;
            classIds[to] = found.ClassId;
        }
        if (index == (int)places.Length - 1)
            rois.Total[0] = to - rank + count;
    }
}
