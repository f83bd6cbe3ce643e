using Fpn.IlGpu.Kernels;
using Fpn.IlGpu.Networks;
using Fpn.IlGpu.Tensors;
using Fpn.IlGpu.Weights;

namespace Fpn.IlGpu.Detection;

/// <summary>The conventions for RoI features that the model was trained with.</summary>
/// <param name="SamplingRatio">The samples along a bin's side; 0 for adaptive.</param>
/// <param name="Aligned">Whether RoIAlign shifts RoIs by half a px.</param>
/// <param name="LevelRule">Which level each RoI is read from.</param>
/// <param name="IsMaxPool">Whether to pool by <see cref="RoiMaxPool"/>, as in the paper, instead of <see cref="RoiAlign"/>.</param>
internal sealed record RoiSettings(int SamplingRatio, bool Aligned, RoiLevelRule LevelRule, bool IsMaxPool = false)
{
    /// <summary>The settings of a model.</summary>
    public static RoiSettings Of(ModelConfiguration c) => new(
        c.RoiSamplingRatio, c.RoiAligned, new RoiLevelRule(c.RoiCanonicalSide, c.RoiCanonicalLevel, c.RoiLevelEpsilon), c.RoiMaxPool);
}

/// <summary>
/// Features of a fixed size for every proposal, read from the pyramid level that matches its size (paper, section 4.2). Only the RPN
/// uses the levels above the backbone's top map. A level's number is the base-2 logarithm of its stride: 2 to 5 for the four maps of
/// a ResNet.
/// </summary>
internal static class RoiFeatures
{
    /// <summary>Pools the features of all RoIs; the caller disposes the result.</summary>
    /// <param name="tape">The tape to run on.</param>
    /// <param name="pyramid">The pyramid, [N, Hl, Wl, d].</param>
    /// <param name="levels">The number of levels to read from, counted from the finest.</param>
    /// <param name="rois">The RoIs, in input px; they must live as long as the tape.</param>
    /// <param name="inputH">The height of the padded input, in px; it determines each level's scale.</param>
    /// <param name="bins">The side of the features in bins, for example 7.</param>
    /// <param name="settings">The pooling conventions.</param>
    /// <returns>The features, [R, bins, bins, d].</returns>
    public static Variable Pool(
        Tape tape, FeatureMaps pyramid, int levels, RoiSet rois, int inputH, int bins, RoiSettings settings)
    {
        var device = tape.Device;
        var table = LevelTable(pyramid, levels, inputH);
        var places = device.Rent<RoiPlace>(rois.Capacity);
        RoiLevels.Run(
            device, rois.Boxes.View, rois.Pictures.View, rois.Total.View, Range(table, settings.LevelRule), places.View);
        var list = new RoiList(rois.Boxes.View, places.View, rois.Total.View);
        var features = tape.New(Tensor.Rent(device, new Shape(rois.Capacity, bins, bins, pyramid.Shapes[0].C)));
        using (var levelTable = device.Upload<RoiLevel>(table))
        {
            if (settings.IsMaxPool)
                RoiMaxPool.Run(device, levelTable.View, pyramid.Values.View, list, features.Value);
            else
                RoiAlign.Run(device, levelTable.View, pyramid.Values.View, list, settings.SamplingRatio, settings.Aligned, features.Value);
        }
        Variable[] maps = [.. Enumerable.Range(pyramid.Finest, levels).Select(l => pyramid[l])];
        if (!Array.Exists(maps, map => map.NeedsGradient))
        {
            places.Dispose();
            return features;
        }
        tape.Hold(places);
        tape.Record(features, settings.IsMaxPool ? [.. maps, features] : [], gradient =>
        {
            foreach (var (i, map) in maps.Index())
            {
                if (!map.NeedsGradient)
                    continue;
                var (scale, mapGradient) = (table[i].Scale, map.GradientToAddTo());
                if (settings.IsMaxPool)
                    RoiMaxPoolBackward.Run(device, map.Value, features.Value, gradient, list, i, scale, mapGradient);
                else
                    RoiAlignBackward.Run(device, gradient, list, i, scale, settings.SamplingRatio, settings.Aligned, mapGradient);
            }
        });
        return features;
    }

    /// <summary>Computes where each RoI is read from, as <see cref="Pool"/> does; the caller disposes the places.</summary>
    public static Runtime.DeviceArray<RoiPlace> Places(
        Runtime.Device device, FeatureMaps pyramid, int levels, RoiSet rois, int inputH, RoiLevelRule rule)
    {
        var places = device.Rent<RoiPlace>(rois.Capacity);
        var range = Range(LevelTable(pyramid, levels, inputH), rule);
        RoiLevels.Run(device, rois.Boxes.View, rois.Pictures.View, rois.Total.View, range, places.View);
        return places;
    }

    private static RoiLevel[] LevelTable(FeatureMaps pyramid, int count, int inputH)
    {
        var table = new RoiLevel[count];
        for (var i = 0; i < count; i++)
        {
            var shape = pyramid.Shapes[i];
            var scale = MathF.Pow(2, MathF.Round(MathF.Log2((float)shape.H / inputH)));
            table[i] = new RoiLevel(pyramid.Offset(pyramid.Finest + i), shape.H, shape.W, scale);
        }
        return table;
    }

    private static RoiLevels.Range Range(RoiLevel[] table, RoiLevelRule rule) => new(Number(table[0]), Number(table[^1]), rule);

    private static int Number(RoiLevel level) => -(int)MathF.Log2(level.Scale);
}
