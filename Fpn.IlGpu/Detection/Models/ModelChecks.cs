using Fpn.IlGpu.Kernels;
using Fpn.IlGpu.Networks;
using Fpn.IlGpu.Tensors;
using Fpn.IlGpu.Weights;

namespace Fpn.IlGpu.Detection;

/// <summary>Checks a model's configuration against the shapes of its tensors.</summary>
internal static class ModelChecks
{
    /// <summary>
    /// The class names by id. If the configuration has none, they are COCO's if the number of classes matches, and otherwise
    /// "class 0", "class 1", …
    /// </summary>
    /// <exception cref="WeightsException">The number of names in the configuration differs from the head's number of classes.</exception>
    public static IReadOnlyList<string> ClassNames(ModelSource source, int count)
    {
        var configuration = source.Configuration;
        if (configuration.Classes is { } names)
        {
            var background = configuration.Detector == DetectorKind.RetinaNet ? "" : " (including the background)";
            return names.Length == count
                ? names
                : throw Error(source, $"'fpn.config' names {names.Length} classes, but its head has {count}{background}.");
        }
        var isCoco = count == CocoClasses.Names.Count && !configuration.BackgroundLast;
        return isCoco ? CocoClasses.Names : [.. Enumerable.Range(0, count).Select(i => $"class {i}")];
    }

    /// <summary>Checks that the kind of detector and every key of the configuration are known.</summary>
    /// <exception cref="WeightsException">
    /// The kind of detector or a key is unknown, or the levels have different numbers of anchor sizes.
    /// </exception>
    public static void Understood(StateDictionary state, ModelConfiguration configuration)
    {
        if (!DetectorKind.All.Contains(configuration.Detector))
        {
            throw new WeightsException(
                $"{state.Source}: 'fpn.config' says that the detector is {WeightsException.Quote(configuration.Detector)}; "
                + $"the supported ones are {string.Join(", ", DetectorKind.All)}.");
        }
        if (configuration.UnknownKeys.Length > 0)
        {
            throw new WeightsException(
                $"{state.Source}: 'fpn.config' has keys that this version doesn't know: {string.Join(", ", configuration.UnknownKeys)}.");
        }
        if (configuration.AnchorSizes.Any(s => s.Length != configuration.AnchorSizes[0].Length))
            throw new WeightsException($"{state.Source}: 'fpn.config' gives some levels more anchor sizes than others.");
    }

    /// <summary>Checks that the configured number of anchors per location is the number that the head predicts.</summary>
    /// <exception cref="WeightsException">The numbers differ.</exception>
    public static void AnchorsFit(ModelSource source, Anchors anchors, int perLocation)
    {
        if (anchors.PerLocation != perLocation)
        {
            throw Error(
                source, $"its head scores {perLocation} anchors per location, but 'fpn.config' describes {anchors.PerLocation}.");
        }
    }

    /// <summary>Checks that anchors are configured for exactly the levels of the pyramid.</summary>
    /// <exception cref="WeightsException">The numbers of levels differ.</exception>
    public static void LevelsFit(ModelSource source, Anchors anchors, IPyramid pyramid)
    {
        if (anchors.Levels != pyramid.Levels)
        {
            throw Error(
                source, $"'fpn.config' gives anchor sizes for {anchors.Levels} levels, but its pyramid has {pyramid.Levels}.");
        }
    }

    /// <summary>Checks that each level has one object size, which is configured as that of its anchors.</summary>
    /// <exception cref="WeightsException">The levels have several sizes.</exception>
    public static void OneSizePerLevel(ModelSource source)
    {
        var sizes = source.Configuration.AnchorSizes[0].Length;
        if (sizes != 1)
            throw Error(source, $"'fpn.config' gives each level {sizes} anchor sizes, but masks are proposed at one size per level.");
    }

    /// <summary>Checks that the mask head has a mask for every class; a background that comes last needs none.</summary>
    /// <exception cref="WeightsException">The mask head has too few classes.</exception>
    public static void MasksFit(ModelSource source, MaskHead masks, BoxHead boxes)
    {
        var needed = boxes.Classes - (source.Configuration.BackgroundLast ? 1 : 0);
        if (masks.Classes < needed)
            throw Error(source, $"its mask head has masks for {masks.Classes} classes, but its box head needs masks for {needed}.");
    }

    private static WeightsException Error(ModelSource source, string message) => new($"{source.State.Source}: {message}");
}
