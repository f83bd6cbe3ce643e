using Fpn.IlGpu.Kernels;
using Fpn.IlGpu.Runtime;
using Fpn.IlGpu.Tensors;
using ILGPU;

namespace Fpn.IlGpu.Detection;

/// <summary>Candidate detections as kernels see them; a negative score marks an empty place.</summary>
internal readonly record struct Candidates(ArrayView<Box> Boxes, ArrayView<float> Scores, ArrayView<int> ClassIds);

/// <summary>Device memory for candidate detections.</summary>
internal sealed class CandidateList(Device device, int count) : IDisposable
{
    /// <summary>The boxes, in input px.</summary>
    public DeviceArray<Box> Boxes { get; } = device.Rent<Box>(count);

    /// <summary>Probabilities; negative where there is no candidate.</summary>
    public DeviceArray<float> Scores { get; } = device.Rent<float>(count);

    /// <summary>Class ids: indices into the list of class names.</summary>
    public DeviceArray<int> ClassIds { get; } = device.Rent<int>(count);

    /// <summary>The three arrays, for kernels.</summary>
    public Candidates View => new(Boxes.View, Scores.View, ClassIds.View);

    /// <inheritdoc/>
    public void Dispose()
    {
        Boxes.Dispose();
        Scores.Dispose();
        ClassIds.Dispose();
    }
}

/// <summary>The last step of every detector: selects the best boxes of each picture over all classes and levels.</summary>
internal static class BestOfPicture
{
    /// <summary>Selects the best boxes; the caller disposes the result.</summary>
    /// <param name="device">The device that holds the candidates.</param>
    /// <param name="candidates">The candidates, [N, perPicture].</param>
    /// <param name="batch">The number of pictures, N.</param>
    /// <param name="perPicture">The capacity of each picture's list.</param>
    /// <param name="best">The number of boxes to select from each picture.</param>
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

    /// <summary>One thread = one place of a picture: its first place takes the count, the others one selected box each.</summary>
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
