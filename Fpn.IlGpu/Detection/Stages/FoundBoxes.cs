using Fpn.IlGpu.Runtime;
using Fpn.IlGpu.Tensors;
using ILGPU;

namespace Fpn.IlGpu.Detection;

/// <summary>A detected box in input px, with its probability and class.</summary>
internal readonly record struct ScoredBox(Box BoxInputPx, float Score, int ClassId);

/// <summary>
/// The boxes found in each picture of a batch, on the device: [N, 1 + most]. The class id of a picture's first place is the number
/// of boxes in the places after it, so that a single copy fetches counts and boxes together.
/// </summary>
internal sealed class FoundBoxes(Device device, int batch, int most) : IDisposable
{
    private readonly DeviceArray<ScoredBox> places = device.Rent<ScoredBox>((long)batch * (1 + most));

    /// <summary>The number of places of each picture.</summary>
    public int PerPicture => 1 + most;

    /// <summary>The number of places of all pictures.</summary>
    public int Places => batch * PerPicture;

    /// <summary>The places, for kernels.</summary>
    public ArrayView<ScoredBox> View => places.View;

    /// <summary>Converts proposals to found boxes of class 0.</summary>
    public static FoundBoxes Of(Device device, RoiSet rois, int batch)
    {
        var found = new FoundBoxes(device, batch, rois.CapacityPerPicture);
        device.Launch(RoisKernel, found.Places, rois.View, rois.PerPicture.View, found.PerPicture, found.View);
        return found;
    }

    /// <summary>Copies the boxes to the host after all work queued so far: a list for each picture, best first.</summary>
    public List<ScoredBox>[] Fetch()
    {
        var all = places.Download();
        var found = new List<ScoredBox>[batch];
        for (var n = 0; n < batch; n++)
        {
            var first = n * PerPicture;
            var own = all.AsSpan(first + 1, all[first].ClassId);
            found[n] = new List<ScoredBox>(own.Length);
            found[n].AddRange(own);
        }
        return found;
    }

    /// <summary>Converts the boxes to regions, picture after picture.</summary>
    /// <param name="total">The number of boxes of all pictures.</param>
    /// <param name="classIds">Receives their classes, [total].</param>
    public RoiSet ToRois(int total, ArrayView<int> classIds)
    {
        // The set is declared as one picture's, so that its capacity is exactly the total.
        var rois = new RoiSet(device, 1, total);
        device.Launch(ToRoisKernel, Places, View, PerPicture, rois.View, classIds);
        return rois;
    }

    /// <inheritdoc/>
    public void Dispose() => places.Dispose();

    /// <summary>One thread = one place of a picture: its first place takes the count, the others one proposal each.</summary>
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

    /// <summary>One thread = one place of a picture: copies its box to its position among the boxes of all pictures.</summary>
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
