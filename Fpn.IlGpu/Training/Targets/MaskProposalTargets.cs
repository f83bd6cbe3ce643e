using Fpn.IlGpu.Data;
using Fpn.IlGpu.Networks;
using Fpn.IlGpu.Tensors;

namespace Fpn.IlGpu.Training;

/// <summary>
/// What the head that proposes masks learns from one picture (paper, appendix B). An object is learned on its scale's map only, at the
/// locations whose centre is no more than a location's width from the object's, along both axes:
/// <code>
/// positive:  |cx − (x + ½) · 2^level| ≤ 2^level  and  |cy − (y + ½) · 2^level| ≤ 2^level        the nearest object, if there are several
/// neither:   the centre lies in an ignored region
/// negative:  all others
/// </code>
/// Of 128 windows, up to a quarter are positive. Negatives teach the score only.
/// </summary>
/// <param name="Positives">The indices of the positive windows in the order map, y, x, ascending.</param>
/// <param name="Negatives">The indices of the negative windows, ascending.</param>
/// <param name="Masks">The masks of the positives whose object has one; their regions are the windows'.</param>
internal sealed record MaskProposalTargets(int[] Positives, int[] Negatives, MaskTargets Masks)
{
    /// <summary>Computes the targets for a picture.</summary>
    /// <param name="windows">The windows.</param>
    /// <param name="maps">The shapes of the maps of scores, in order of their scale.</param>
    /// <param name="picture">The picture's true boxes and masks, and its resized height and width before padding, in px.</param>
    /// <param name="size">The number of windows to sample.</param>
    /// <param name="side">The side of a mask, in cells.</param>
    /// <param name="random">The random numbers for sampling.</param>
    public static MaskProposalTargets Of(
        ObjectWindows windows, IReadOnlyList<Shape> maps, (PictureTruth Truth, int ResizedH, int ResizedW) picture, SampleSize size,
        int side, KeyedRandom random)
    {
        var matches = Match(windows, maps, picture.Truth);
        var (positives, negatives) = TargetSampler.Choose(matches, size, random);
        var masks = MaskTargets.Of(
            Array.ConvertAll(positives, i => Region(windows, maps, i)), Array.ConvertAll(positives, i => matches[i]), picture.Truth,
            picture.ResizedH, picture.ResizedW, side);
        return new MaskProposalTargets(positives, negatives, masks);
    }

    /// <summary>The index of the object that each window is to find, or one of the negative values of <see cref="BoxMatching"/>.</summary>
    /// <param name="windows">The windows.</param>
    /// <param name="maps">The shapes of the maps of scores, in order of their scale.</param>
    /// <param name="truth">The picture's true boxes.</param>
    internal static int[] Match(ObjectWindows windows, IReadOnlyList<Shape> maps, PictureTruth truth)
    {
        var scaleOf = Array.ConvertAll(truth.Boxes, windows.ScaleOf);
        var matches = new int[maps.Sum(map => map.H * map.W)];
        matches.AsSpan().Fill(BoxMatching.Negative);
        var first = 0;
        foreach (var (scale, map) in maps.Index())
        {
            var ofMap = matches.AsSpan(first, map.H * map.W);
            foreach (var region in truth.Ignored)
                Ignore(region, windows.Stride(scale), map, ofMap);
            for (var g = 0; g < scaleOf.Length; g++)
            {
                if (scaleOf[g] == scale)
                    Match(truth.Boxes, g, windows.Stride(scale), map, ofMap);
            }
            first += ofMap.Length;
        }
        return matches;
    }

    private static void Match(Box[] boxes, int own, int stride, Shape map, Span<int> matches)
    {
        var (cx, cy) = Centre(boxes[own]);
        // A location's width to both sides of the centre: no more than three locations along an axis.
        var (x0, y0) = ((int)(cx / stride) - 1, (int)(cy / stride) - 1);
        for (var y = Math.Max(y0, 0); y <= Math.Min(y0 + 2, map.H - 1); y++)
        {
            for (var x = Math.Max(x0, 0); x <= Math.Min(x0 + 2, map.W - 1); x++)
            {
                var (dx, dy) = (MathF.Abs(cx - (x + 0.5f) * stride), MathF.Abs(cy - (y + 0.5f) * stride));
                ref var match = ref matches[y * map.W + x];
                if (dx <= stride && dy <= stride && (match < 0 || dx * dx + dy * dy < Distance(boxes[match], x, y, stride)))
                    match = own;
            }
        }
    }

    private static void Ignore(Box region, int stride, Shape map, Span<int> matches)
    {
        for (var i = 0; i < matches.Length; i++)
        {
            var (x, y) = ((i % map.W + 0.5f) * stride, (i / map.W + 0.5f) * stride);
            if (x >= region.X1 && x <= region.X2 && y >= region.Y1 && y <= region.Y2)
                matches[i] = BoxMatching.Neither;
        }
    }

    private static (float X, float Y) Centre(Box box) => ((box.X1 + box.X2) / 2, (box.Y1 + box.Y2) / 2);

    /// <summary>The square of the distance from a location to an object's centre, in px².</summary>
    private static float Distance(Box box, int x, int y, int stride)
    {
        var (dx, dy) = (Centre(box).X - (x + 0.5f) * stride, Centre(box).Y - (y + 0.5f) * stride);
        return dx * dx + dy * dy;
    }

    private static Box Region(ObjectWindows windows, IReadOnlyList<Shape> maps, int index)
    {
        for (var scale = 0; ; scale++)
        {
            var map = maps[scale];
            if (index < map.H * map.W)
                return windows.Region(scale, index / map.W, index % map.W);
            index -= map.H * map.W;
        }
    }
}
