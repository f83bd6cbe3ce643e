using Fpn.IlGpu.Networks;
using Fpn.IlGpu.Tensors;
using Fpn.IlGpu.Weights;

namespace Fpn.IlGpu.Detection;

/// <summary>Holds what a model's configuration says against what its tensors' shapes say.</summary>
internal static class ModelChecks
{
    /// <summary>The classes' names by id; without names in the configuration, COCO's where their number fits.</summary>
    /// <exception cref="WeightsException">The configuration names another number of classes than the box head has.</exception>
    public static IReadOnlyList<string> ClassNames(StateDictionary state, ModelConfiguration configuration, int count)
    {
        if (configuration.Classes is { } names)
        {
            return names.Length == count
                ? names
                : throw new WeightsException(
                    $"{state.Source}: 'fpn.config' names {names.Length} classes, but the box head has {count} (the background counts).");
        }
        var isCoco = count == CocoClasses.Names.Count && !configuration.BackgroundLast;
        return isCoco ? CocoClasses.Names : [.. Enumerable.Range(0, count).Select(i => $"class {i}")];
    }

    /// <summary>The weights must be a Faster R-CNN's, and every key of the configuration must mean something.</summary>
    /// <exception cref="WeightsException">They are not, or one does not.</exception>
    public static void Understood(StateDictionary state, ModelConfiguration configuration)
    {
        if (configuration.Detector != "faster-rcnn")
            throw new WeightsException($"{state.Source}: 'fpn.config' says that the detector is '{configuration.Detector}'; 'faster-rcnn' can be run.");
        if (configuration.UnknownKeys.Count > 0)
        {
            throw new WeightsException(
                $"{state.Source}: 'fpn.config' has keys that this version doesn't know: {string.Join(", ", configuration.UnknownKeys)}.");
        }
        if (configuration.AnchorSizes.Any(s => s.Length != configuration.AnchorSizes[0].Length))
            throw new WeightsException($"{state.Source}: 'fpn.config' gives some levels more anchor sizes than others.");
    }

    /// <summary>Anchors as configured must be as many as the RPN's outputs, on as many levels as the pyramid has.</summary>
    /// <exception cref="WeightsException">They are not.</exception>
    public static void AnchorsFit(StateDictionary state, Anchors anchors, RpnHead rpn, int levels)
    {
        if (anchors.PerLocation != rpn.AnchorsPerLocation)
        {
            throw new WeightsException(
                $"{state.Source}: its RPN scores {rpn.AnchorsPerLocation} anchors a position, "
                + $"but 'fpn.config' describes {anchors.PerLocation}.");
        }
        if (anchors.Levels != levels)
        {
            throw new WeightsException(
                $"{state.Source}: 'fpn.config' gives anchor sizes for {anchors.Levels} levels, but its pyramid has {levels}.");
        }
    }
}
