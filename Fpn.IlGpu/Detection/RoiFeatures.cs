using Fpn.IlGpu.Kernels;
using Fpn.IlGpu.Networks;
using Fpn.IlGpu.Runtime;
using Fpn.IlGpu.Tensors;
using Fpn.IlGpu.Weights;

namespace Fpn.IlGpu.Detection;

/// <summary>The conventions for RoI features that the model was trained with.</summary>
/// <param name="SamplingRatio">The samples along a bin's side; 0 for adaptive.</param>
/// <param name="Aligned">Whether RoIAlign shifts RoIs by half a px.</param>
/// <param name="LevelEpsilon">The ε of the level formula (see <see cref="RoiLevels"/>).</param>
/// <param name="IsMaxPool">Whether to pool by <see cref="RoiMaxPool"/>, as in the paper, instead of <see cref="RoiAlign"/>.</param>
internal sealed record RoiSettings(int SamplingRatio, bool Aligned, float LevelEpsilon, bool IsMaxPool = false)
{
    /// <summary>The settings of a model.</summary>
    public static RoiSettings Of(ModelConfiguration c) => new(c.RoiSamplingRatio, c.RoiAligned, c.RoiLevelEpsilon, c.RoiMaxPool);
}

/// <summary>
/// Features of a fixed size for every proposal, read from the pyramid level that matches its size (paper, section 4.2). Only the RPN
/// uses the levels above the backbone's top map. A level's number is the base-2 logarithm of its stride: 2 to 5 for the four maps of
/// a ResNet.
/// </summary>
internal static class RoiFeatures
{
    /// <summary>Pools the features of all RoIs; the caller disposes the result.</summary>
    /// <param name="device">The device that holds all arrays.</param>
    /// <param name="pyramid">The pyramid, [N, Hl, Wl, d], finest level first.</param>
    /// <param name="levels">The number of levels to read from, counted from the finest.</param>
    /// <param name="rois">The RoIs, in input px.</param>
    /// <param name="inputH">The height of the padded input, in px; it determines each level's scale.</param>
    /// <param name="bins">The side of the features in bins, for example 7.</param>
    /// <param name="settings">The pooling conventions.</param>
    /// <returns>The features, [R, bins, bins, d].</returns>
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

    /// <summary>The levels that RoI features are read from, finest first.</summary>
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

    /// <summary>The range of the level numbers, and the ε of the level formula.</summary>
    public static RoiLevels.Range Range(RoiLevel[] table, float epsilon) => new(Number(table[0]), Number(table[^1]), epsilon);

    private static int Number(RoiLevel level) => -(int)MathF.Log2(level.Scale);
}
