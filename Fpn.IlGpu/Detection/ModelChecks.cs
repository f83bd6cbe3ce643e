using Fpn.IlGpu.Kernels;
using Fpn.IlGpu.Networks;
using Fpn.IlGpu.Tensors;
using Fpn.IlGpu.Weights;

namespace Fpn.IlGpu.Detection;

/// <summary>Holds what a model's configuration says against what its tensors' shapes say.</summary>
internal static class ModelChecks
{
    /// <summary>The classes' names by id; without names in the configuration, COCO's where their number fits.</summary>
    /// <exception cref="WeightsException">The configuration names another number of classes than the head has.</exception>
    public static IReadOnlyList<string> ClassNames(ModelSource source, int count)
    {
        var configuration = source.Configuration;
        if (configuration.Classes is { } names)
        {
            var background = configuration.Detector == DetectorKind.RetinaNet ? "" : " (the background counts)";
            return names.Length == count
                ? names
                : throw Error(source, $"'fpn.config' names {names.Length} classes, but its head has {count}{background}.");
        }
        var isCoco = count == CocoClasses.Names.Count && !configuration.BackgroundLast;
        return isCoco ? CocoClasses.Names : [.. Enumerable.Range(0, count).Select(i => $"class {i}")];
    }

    /// <summary>The detector must be one that there is, and every key of the configuration must mean something.</summary>
    /// <exception cref="WeightsException">It is not, or one does not.</exception>
    public static void Understood(StateDictionary state, ModelConfiguration configuration)
    {
        if (!DetectorKind.All.Contains(configuration.Detector))
        {
            throw new WeightsException(
                $"{state.Source}: 'fpn.config' says that the detector is {WeightsException.Quote(configuration.Detector)}; "
                + $"what can be run is {string.Join(", ", DetectorKind.All)}.");
        }
        if (configuration.UnknownKeys.Count > 0)
        {
            throw new WeightsException(
                $"{state.Source}: 'fpn.config' has keys that this version doesn't know: {string.Join(", ", configuration.UnknownKeys)}.");
        }
        if (configuration.AnchorSizes.Any(s => s.Length != configuration.AnchorSizes[0].Length))
            throw new WeightsException($"{state.Source}: 'fpn.config' gives some levels more anchor sizes than others.");
    }

    /// <summary>Anchors as configured must be as many a position as the head's outputs are for.</summary>
    /// <exception cref="WeightsException">They are not.</exception>
    public static void AnchorsFit(ModelSource source, Anchors anchors, int perLocation)
    {
        if (anchors.PerLocation != perLocation)
        {
            throw Error(
                source, $"its head scores {perLocation} anchors a position, but 'fpn.config' describes {anchors.PerLocation}.");
        }
    }

    /// <summary>Anchors must be configured for as many levels as the pyramid has.</summary>
    /// <exception cref="WeightsException">They are not.</exception>
    public static void LevelsFit(ModelSource source, Anchors anchors, IPyramid pyramid)
    {
        if (anchors.Levels != pyramid.Levels)
        {
            throw Error(
                source, $"'fpn.config' gives anchor sizes for {anchors.Levels} levels, but its pyramid has {pyramid.Levels}.");
        }
    }

    /// <summary>There must be a mask for every class; the background needs none where it comes last.</summary>
    /// <exception cref="WeightsException">There is not.</exception>
    public static void MasksFit(ModelSource source, MaskHead masks, BoxHead boxes)
    {
        var needed = boxes.Classes - (source.Configuration.BackgroundLast ? 1 : 0);
        if (masks.Classes < needed)
            throw Error(source, $"its mask head has masks of {masks.Classes} classes, but its box head {needed} classes that need one.");
    }

    private static WeightsException Error(ModelSource source, string message) => new($"{source.State.Source}: {message}");
}
