using Fpn.IlGpu.Kernels;
using Fpn.IlGpu.Runtime;
using Fpn.IlGpu.Tensors;
using ILGPU;

namespace Fpn.IlGpu.Detection;

/// <summary>Boxes that may be detections, as kernels see them; a negative score is none.</summary>
internal readonly record struct Candidates(ArrayView<Box> Boxes, ArrayView<float> Scores, ArrayView<int> ClassIds);

/// <summary>Memory for boxes that may be detections.</summary>
internal sealed class CandidateList(Device device, int count) : IDisposable
{
    /// <summary>In input px.</summary>
    public DeviceArray<Box> Boxes { get; } = device.Rent<Box>(count);

    /// <summary>Probabilities; negative where there is no candidate.</summary>
    public DeviceArray<float> Scores { get; } = device.Rent<float>(count);

    /// <summary>By which the classes' names are found.</summary>
    public DeviceArray<int> ClassIds { get; } = device.Rent<int>(count);

    /// <summary>All of it, for kernels.</summary>
    public Candidates View => new(Boxes.View, Scores.View, ClassIds.View);

    /// <inheritdoc/>
    public void Dispose()
    {
        Boxes.Dispose();
        Scores.Dispose();
        ClassIds.Dispose();
    }
}

/// <summary>The last step of every detector: of all classes and levels, the best boxes of each picture.</summary>
internal static class BestOfPicture
{
    /// <summary>Takes them; the caller disposes them.</summary>
    /// <param name="device">Where the candidates are.</param>
    /// <param name="candidates">[N, perPicture].</param>
    /// <param name="batch">N.</param>
    /// <param name="perPicture">How many each picture has room for.</param>
    /// <param name="best">How many to take of each picture.</param>
    public static FoundBoxes Take(Device device, CandidateList candidates, int batch, int perPicture, int best)
    {
        best = Math.Min(best, perPicture);
        using var segments = device.Upload<Segment>(Segment.OfPictures(batch, perPicture));
        using var chosen = device.Rent<int>((long)batch * best);
        using var counts = device.Rent<int>(batch);
        TopK.Run(
            device, candidates.Scores.View, segments.View, perPicture, best, NonMaximumSuppression.Dropped / 2, chosen.View, counts.View);
        var found = new FoundBoxes(device, batch, best);
        device.Launch(TakeKernel, found.Places, candidates.View, chosen.View, counts.View, best, perPicture, found.View);
        return found;
    }

    /// <summary>One thread = one place of a picture: how many there are, or one of its best.</summary>
    internal static void TakeKernel(
        Index1D index, Candidates candidates, ArrayView<int> chosen, ArrayView<int> counts, int best, int perPicture,
        ArrayView<ScoredBox> places)
    {
        var n = index / (1 + best);
        var rank = index % (1 + best) - 1;
        if (rank < 0)
        {
            places[index] = new ScoredBox(default, 0, counts[n]);
            return;
        }
        if (rank >= counts[n])
            return;
        var from = n * perPicture + chosen[n * best + rank];
        places[index] = new ScoredBox(candidates.Boxes[from], candidates.Scores[from], candidates.ClassIds[from]);
    }
}
