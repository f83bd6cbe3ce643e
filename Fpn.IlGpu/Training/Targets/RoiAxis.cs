namespace Fpn.IlGpu.Training;

/// <summary>
/// The weights of RoIAlign along one axis, for a map that is a picture resized by nearest neighbour:
/// <code>
/// map[j] = picture[⌊j · source / resized⌋]
/// bin b  = mean over its ⌈length of a bin⌉ samples at s of (1 − f) · map[⌊s⌋] + f · map[⌊s⌋ + 1],   f = s − ⌊s⌋
///        = Σi w[i, b] · picture[i]
/// </code>
/// As in torchvision's roi_align with sampling_ratio −1 and aligned False, and in float32 like there: a RoI is at least 1 px long,
/// whole coordinates are the px themselves, a sample more than 1 px outside is 0, and one up to 1 px outside is the border's.
/// </summary>
internal sealed class RoiAxis
{
    private readonly int bins;
    private readonly float[] weights;
    private readonly float scale;

    /// <summary>Computes the weights.</summary>
    /// <param name="from">The RoI's left or top edge, in px of the resized picture.</param>
    /// <param name="to">Its right or bottom edge, in px of the resized picture.</param>
    /// <param name="resized">The length of the resized picture, in px.</param>
    /// <param name="source">The length of the picture, in px.</param>
    /// <param name="bins">The number of bins.</param>
    public RoiAxis(float from, float to, int resized, int source, int bins)
    {
        this.bins = bins;
        // In float32, as in PyTorch: another rounding would choose another px.
        scale = (float)source / resized;
        var length = Math.Max(to - from, 1f);
        First = Nearest((int)Math.Clamp(from, 0, resized - 1), source);
        End = Nearest((int)Math.Clamp(from + length + 1, 0, resized - 1), source) + 1;
        weights = new float[(End - First + 1) * bins];
        var bin = length / bins;
        var samples = (int)MathF.Ceiling(bin);
        for (var b = 0; b < bins; b++)
        {
            for (var i = 0; i < samples; i++)
                AddSample(from + b * bin + (i + 0.5f) * bin / samples, b, 1f / samples, resized, source);
        }
    }

    /// <summary>The first px of the picture that may have a weight.</summary>
    public int First { get; }

    /// <summary>The px after the last that may have a weight.</summary>
    public int End { get; }

    /// <summary>The weights of a px of the picture, [bins]; once cumulated, the sums over all px before it.</summary>
    /// <param name="px">From <see cref="First"/> to <see cref="End"/> − 1, or to <see cref="End"/> for sums.</param>
    public ReadOnlySpan<float> Weights(int px) => weights.AsSpan((px - First) * bins, bins);

    /// <summary>Replaces each weight by the sum of those before it, so that the sum over a run is the difference of two.</summary>
    public void Cumulate()
    {
        Span<float> sums = new float[bins];
        for (var first = 0; first < weights.Length; first += bins)
        {
            var ofPx = weights.AsSpan(first, bins);
            for (var b = 0; b < bins; b++)
                (ofPx[b], sums[b]) = (sums[b], sums[b] + ofPx[b]);
        }
    }

    private void AddSample(float at, int bin, float weight, int resized, int source)
    {
        if (at < -1 || at > resized)
            return;
        at = Math.Clamp(at, 0, resized - 1);
        var low = (int)at;
        var fraction = at - low;
        weights[(Nearest(low, source) - First) * bins + bin] += weight * (1 - fraction);
        if (fraction > 0)
            weights[(Nearest(low + 1, source) - First) * bins + bin] += weight * fraction;
    }

    private int Nearest(int at, int source) => Math.Min((int)(at * scale), source - 1);
}
