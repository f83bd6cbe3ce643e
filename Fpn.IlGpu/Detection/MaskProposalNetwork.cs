using Fpn.IlGpu.Imaging;
using Fpn.IlGpu.Kernels;
using Fpn.IlGpu.Networks;

namespace Fpn.IlGpu.Detection;

/// <summary>
/// Proposes masks of objects, without a class (paper, section 6: DeepMask and SharpMask on the pyramid). The score of a detection says
/// how likely there is an object in the window's middle. The best of all windows are pasted into the picture; nothing suppresses those
/// that overlap. The box of a detection is that of its mask, and a window whose mask has no pixels proposes nothing.
/// </summary>
public sealed class MaskProposalNetwork : Detector
{
    internal MaskProposalNetwork(ModelSource source)
        : base(source)
    {
        Head = source.Network.MaskProposals!;
        ModelChecks.OneSizePerLevel(source);
        ScoreThreshold = Configuration.RpnScoreThreshold;
    }

    /// <summary>The single class, <c>object</c>.</summary>
    public override IReadOnlyList<string> Classes { get; } = ["object"];

    internal override string Description => Head.Description;

    internal MaskProposalHead Head { get; }

    // No IoU is above 1, so nothing is suppressed where the sizes of an image pyramid are merged, either.
    private protected override (float NmsThreshold, int Most) MergeLimits => (1, Configuration.RpnPostNmsTopN);

    /// <summary>The windows at the locations of a pyramid.</summary>
    /// <param name="finest">The number of the pyramid's finest level.</param>
    internal ObjectWindows Windows(int finest) => new([.. Configuration.AnchorSizes.Select(level => level[0])], finest, Head.Windows);

    /// <summary>
    /// Runs the head, selects the best windows, and computes and pastes their masks. The host waits for the scores, and then for the
    /// masks of each kind of window.
    /// </summary>
    private protected override IReadOnlyList<DetectedObject>[] DetectIn(
        Tape tape, FeatureMaps pyramid, InputBatch batch, CancellationToken cancellation)
    {
        Device.Stage("window head");
        using var output = Head.Run(tape, pyramid);
        cancellation.ThrowIfCancellationRequested();
        Device.Stage("best windows");
        var chosen = Best(output.Scores, batch.Sizes.Length);
        cancellation.ThrowIfCancellationRequested();
        Device.Stage("masks");
        return ToObjects(chosen, Masks(tape, output, chosen, Windows(pyramid.Finest), batch), batch.Sizes.Length);
    }

    /// <summary>Selects the windows with the highest scores of each picture, best first.</summary>
    /// <param name="scores">The logits of each map, [N, Hl, Wl, 1].</param>
    /// <param name="pictures">The number of pictures, N.</param>
    internal ScoredWindow[] Best(FeatureMaps scores, int pictures)
    {
        var segments = scores.LevelSegments(pictures);
        var longest = segments.Max(s => s.Length);
        var capacity = Math.Min(Configuration.RpnPostNmsTopN, longest);
        using var deviceSegments = Device.Upload<Segment>(segments);
        using var indices = Device.Rent<int>((long)segments.Length * capacity);
        using var counts = Device.Rent<int>(segments.Length);
        // sigmoid(x) > p exactly where x > log(p / (1 − p)).
        var above = MathF.Log(ScoreThreshold / (1 - ScoreThreshold));
        TopK.Run(Device, scores.Values.View, deviceSegments.View, longest, capacity, above, indices.View, counts.View);

        // The best of each map, among which are the best of all maps.
        var (best, taken, logits) = (indices.Download(), counts.Download(), scores.Values.Download());
        var ofMaps = segments.Select((segment, s) => Enumerable.Range(s * capacity, taken[s]).Select(r => new ScoredWindow(
            s / scores.Count, s % scores.Count, best[r], segment.First + best[r], Sigmoid.Of(logits[segment.First + best[r]]))));
        return [.. ofMaps.SelectMany(own => own).GroupBy(window => window.Picture)
            .SelectMany(own => own.OrderByDescending(window => logits[window.Place]).Take(Configuration.RpnPostNmsTopN))];
    }

    /// <summary>Computes the masks of windows, and pastes them at the size of their pictures.</summary>
    internal ObjectMask[] Masks(
        Tape tape, MaskProposalOutput output, ScoredWindow[] chosen, ObjectWindows windows, InputBatch batch)
    {
        var masks = new ObjectMask[chosen.Length];
        for (var w = 0; w < Head.Windows; w++)
        {
            int[] own = [.. Enumerable.Range(0, chosen.Length).Where(i => chosen[i].Map % Head.Windows == w)];
            if (own.Length == 0)
                continue;
            using var logits = Head.Masks(tape, output, w, own.Select(i => chosen[i].Place));
            using var probabilities = tape.Activate(logits, Activation.Sigmoid);
            var targets = Array.ConvertAll(own, i => Target(chosen[i]));
            var pasted = ObjectMasks.Paste(
                Device, probabilities.Value.View, Head.MaskSide, targets, Configuration.MaskThreshold, roundBox: false);
            foreach (var (i, mask) in own.Zip(pasted))
                masks[i] = mask;
        }
        return masks;

        MaskTarget Target(ScoredWindow window)
        {
            var (size, columns) = (batch.Sizes[window.Picture], output.Scores.Shapes[window.Map].W);
            var region = windows.Region(window.Map, window.Location / columns, window.Location % columns);
            return new MaskTarget(ToImagePx(region, size), size.W, size.H);
        }
    }

    private IReadOnlyList<DetectedObject>[] ToObjects(ScoredWindow[] chosen, ObjectMask[] masks, int pictures)
    {
        var objects = Enumerable.Range(0, pictures).Select(_ => new List<DetectedObject>()).ToArray();
        foreach (var (window, mask) in chosen.Zip(masks))
        {
            if (mask.Area == 0)
                continue;
            var bounds = MaskOverlap.Bounds(mask);
            objects[window.Picture].Add(new DetectedObject(
                Classes[0], 0, window.Score, new Tensors.Box(bounds.Left, bounds.Top, bounds.Right, bounds.Bottom), mask));
        }
        return objects;
    }
}

/// <summary>A window with its score.</summary>
/// <param name="Picture">The index of its picture in the batch.</param>
/// <param name="Map">The index of its map, which is its scale, from 0.</param>
/// <param name="Location">The index of its location in the map, y · W + x.</param>
/// <param name="Place">The index of its location in the array of all scores.</param>
/// <param name="Score">Its score, 0…1.</param>
internal readonly record struct ScoredWindow(int Picture, int Map, int Location, int Place, float Score);
