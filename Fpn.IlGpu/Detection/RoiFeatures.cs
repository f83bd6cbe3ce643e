using Fpn.IlGpu.Kernels;
using Fpn.IlGpu.Networks;
using Fpn.IlGpu.Runtime;
using Fpn.IlGpu.Tensors;
using Fpn.IlGpu.Weights;

namespace Fpn.IlGpu.Detection;

/// <summary>The conventions by which RoI features were made in training.</summary>
/// <param name="SamplingRatio">Samples of a bin's side; 0 for adaptive.</param>
/// <param name="Aligned">Whether RoIAlign shifts by half a px.</param>
/// <param name="LevelEpsilon">Added in the level formula (see <see cref="RoiLevels"/>).</param>
/// <param name="IsMaxPool">Whether they are pooled by <see cref="RoiMaxPool"/>, the paper's way; else by <see cref="RoiAlign"/>.</param>
internal sealed record RoiSettings(int SamplingRatio, bool Aligned, float LevelEpsilon, bool IsMaxPool = false)
{
    /// <summary>A model's.</summary>
    public static RoiSettings Of(ModelConfiguration c) => new(c.RoiSamplingRatio, c.RoiAligned, c.RoiLevelEpsilon, c.RoiMaxPool);
}

/// <summary>
/// Features of a fixed size for every proposal, read from the pyramid level that its size calls for (paper, section
/// 4.2). The levels above the backbone's top map are for the RPN alone. A level's number is the power of two of its stride: with a
/// ResNet's four maps 2 to 5.
/// </summary>
internal static class RoiFeatures
{
    /// <summary>Pools them; the caller disposes the result.</summary>
    /// <param name="device">Where all arrays are.</param>
    /// <param name="pyramid">[N, Hl, Wl, d], finest first.</param>
    /// <param name="levels">How many of its levels are read from.</param>
    /// <param name="rois">In input px.</param>
    /// <param name="inputH">Height of the padded input, in px, from which each level's scale follows.</param>
    /// <param name="bins">The side of the features: 7.</param>
    /// <param name="settings">How.</param>
    /// <returns>[R, bins, bins, d].</returns>
    public static Tensor Pool(
        Device device, FeatureMaps pyramid, int levels, RoiSet rois, int inputH, int bins, RoiSettings settings)
    {
        var table = Levels(pyramid, levels, inputH);
        using var levelTable = device.Upload<RoiLevel>(table);
        using var places = device.Rent<RoiPlace>(rois.Capacity);
        RoiLevels.Run(
            device, rois.Boxes.View, rois.Pictures.View, rois.Total.View, Range(table, settings.LevelEpsilon), places.View);
        var features = Tensor.Rent(device, new Shape(rois.Capacity, bins, bins, pyramid[0].Shape.C));
        var list = new RoiList(rois.Boxes.View, places.View, rois.Total.View);
        if (settings.IsMaxPool)
            RoiMaxPool.Run(device, levelTable.View, pyramid.Values.View, list, features);
        else
            RoiAlign.Run(device, levelTable.View, pyramid.Values.View, list, settings.SamplingRatio, settings.Aligned, features);
        return features;
    }

    /// <summary>The levels that RoIs are read from, finest first.</summary>
    public static RoiLevel[] Levels(FeatureMaps pyramid, int count, int inputH)
    {
        var table = new RoiLevel[count];
        for (var l = 0; l < count; l++)
        {
            var shape = pyramid[l].Shape;
            var scale = MathF.Pow(2, MathF.Round(MathF.Log2((float)shape.H / inputH)));
            table[l] = new RoiLevel(pyramid.Offset(l), shape.H, shape.W, scale);
        }
        return table;
    }

    /// <summary>The numbers of the levels.</summary>
    public static RoiLevels.Range Range(RoiLevel[] table, float epsilon) => new(Number(table[0]), Number(table[^1]), epsilon);

    private static int Number(RoiLevel level) => -(int)MathF.Log2(level.Scale);
}
