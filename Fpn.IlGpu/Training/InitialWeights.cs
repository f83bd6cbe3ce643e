using System.Globalization;
using System.Text.RegularExpressions;
using Fpn.IlGpu.Detection;
using Fpn.IlGpu.Networks;
using Fpn.IlGpu.Tensors;
using Fpn.IlGpu.Weights;

namespace Fpn.IlGpu.Training;

/// <summary>
/// The initial tensors of a network: random ones, replaced by those of the weights to start from that have the same name and shape. The
/// backbone is loaded as a whole or refused, and class layers are loaded only for the same classes.
/// </summary>
internal static partial class InitialWeights
{
    private const string Body = DetectorNetwork.BackboneName + ".";

    // What a detector learns of each class.
    private static readonly string[] ClassLayers =
        ["roi_heads.box_predictor.", "roi_heads.mask_predictor.mask_fcn_logits.", "head.classification_head.cls_logits."];

    /// <summary>Creates the initial state dict.</summary>
    /// <param name="network">The network, which says what tensors it needs.</param>
    /// <param name="configuration">The configuration of the run.</param>
    /// <param name="model">The configuration of the model.</param>
    /// <param name="start">The weights to start from, or null.</param>
    /// <param name="loaded">What was taken from them; null without them.</param>
    /// <exception cref="WeightsException">A tensor can't be read.</exception>
    /// <exception cref="TrainingException">They hold another backbone, or no tensor that fits.</exception>
    public static StateDictionary Of(
        DetectorNetwork network, TrainingConfiguration configuration, ModelConfiguration model, StartingWeights? start,
        out LoadedWeights? loaded)
    {
        List<TensorSpec> specs = [.. network.Layers.Tensors];
        if (start is not null)
            RefuseOtherBackbone(specs, network, configuration, model, start);
        var tensors = specs.ConvertAll(spec => FreshWeights.Of(spec, configuration.Seed));
        loaded = start is null ? null : Load(tensors, model, start);
        return new StateDictionary(
            "the network", tensors,
            new Dictionary<string, string> { [ModelConfiguration.MetadataKey] = ModelConfigurationJson.Write(model) });
    }

    private static LoadedWeights Load(List<StateTensor> tensors, ModelConfiguration model, StartingWeights start)
    {
        var hasClassLayers = tensors.Exists(tensor => IsClassLayer(tensor.Name) && start.Tensors.Contains(tensor.Name));
        var freshClasses = hasClassLayers ? WhyOtherClasses(start.Classes, model.Classes!) : null;
        List<string> taken = [], random = [], otherShapes = [];
        for (var i = 0; i < tensors.Count; i++)
        {
            var fresh = tensors[i];
            int[] shape = [.. fresh.Shape];
            var isThere = start.Tensors.Tensors.TryGetValue(fresh.Name, out var stored) && !(freshClasses is not null && IsClassLayer(fresh.Name));
            if (isThere && stored!.HasShape(shape))
            {
                tensors[i] = StateTensor.FromValues(fresh.Name, shape, start.Tensors.Read(fresh.Name, shape));
                taken.Add(fresh.Name);
                continue;
            }
            random.Add(fresh.Name);
            if (isThere)
                otherShapes.Add($"{fresh.Name} {stored!.ShowShape()} for {fresh.ShowShape()}");
        }
        if (taken.Count == 0)
        {
            throw new TrainingException(
                $"{start.Tensors.Source} has no tensor that fits the network: choose other weights, or another 'network.layout'.");
        }
        var used = taken.ToHashSet();
        return new LoadedWeights(
            start.Name, taken, random,
            [.. start.Tensors.Tensors.Keys.Where(name => !used.Contains(name) && !TrainingCheckpoint.IsVelocity(name))])
        {
            FreshClasses = freshClasses,
            OtherShapes = otherShapes,
        };
    }

    private static bool IsClassLayer(string name) => ClassLayers.Any(layer => name.StartsWith(layer, StringComparison.Ordinal));

    /// <summary>Says how the classes of the weights differ from those of the data; null if they don't.</summary>
    private static string? WhyOtherClasses(IReadOnlyList<string>? before, IReadOnlyList<string> now)
        => before is null
            ? "the weights name no classes, so these may be others ('fpn weights convert --set classes=[…]' names them)"
            : before.SequenceEqual(now) ? null
            : before.Count == now.Count && before.Order(StringComparer.Ordinal).SequenceEqual(now.Order(StringComparer.Ordinal))
            ? $"the weights have the classes in another order ({Names(before)}) than the data ({Names(now)})"
            : $"the weights have other classes ({Names(before)}) than the data ({Names(now)})";

    private static string Names(IReadOnlyList<string> classes)
    {
        const int most = 4;
        string[] objects = [.. classes.Where(name => name != CocoClasses.Background)];
        return string.Join(", ", objects.Take(most).Select(WeightsException.Quote))
            + (objects.Length > most ? string.Create(CultureInfo.InvariantCulture, $" and {objects.Length - most} more") : "");
    }

    /// <summary>
    /// Refuses weights whose backbone is not the network's: with a part of another network, training would start from nonsense without a
    /// word.
    /// </summary>
    private static void RefuseOtherBackbone(
        List<TensorSpec> specs, DetectorNetwork network, TrainingConfiguration configuration, ModelConfiguration model,
        StartingWeights start)
    {
        var stored = start.Tensors.Tensors;
        var needed = specs.Where(spec => spec.Name.StartsWith(Body, StringComparison.Ordinal)).ToList();
        if (needed.Count == 0 || !stored.Keys.Any(name => name.StartsWith(Body, StringComparison.Ordinal)))
            return;
        var (inFile, inNetwork) = (Depths(stored.Keys), Depths(needed.Select(spec => spec.Name)));
        var otherDepth = inNetwork.Any(stage => inFile.TryGetValue(stage.Key, out var blocks) && blocks != stage.Value);
        var misfit = needed.Find(spec => !stored.TryGetValue(spec.Name, out var tensor) || !tensor.HasShape(spec.Shape));
        if (misfit is null && !otherDepth)
            return;
        var (own, wanted) = (Describe(start), network.Backbone.Description);
        var difference = !own.EndsWith(wanted, StringComparison.Ordinal) || misfit is null ? ""
            : stored.TryGetValue(misfit.Name, out var other)
            ? $" '{misfit.Name}' is {other.ShowShape()} in the weights and {StateTensor.Show(misfit.Shape)} in the network ('network.widths')."
            : $" The weights lack '{misfit.Name}'.";
        var layout = BackboneLayouts.Of(
            configuration.Network.Layout, configuration.Network.Widths, configuration.Network.TopMap, model.StrideInFirstConvolution);
        // A backbone of the caller's own has no name.
        var isNamed = layout.Build(new LayerSet(), DetectorNetwork.BackboneName, 1).Description == wanted;
        throw new TrainingException(
            $"{start.Tensors.Source} holds another backbone ({own}) than the network ({(isNamed ? $"{configuration.Network.Layout}: " : "")}"
            + $"{wanted}).{difference} Set 'network.layout' to what the weights are, or choose other weights.");
    }

    /// <summary>A description of the weights' backbone, for users.</summary>
    private static string Describe(StartingWeights start)
    {
        try
        {
            var reader = new WeightReader(start.Tensors, start.Configuration.BatchNormEpsilon);
            var layout = BackboneLayout.Read(reader, DetectorNetwork.BackboneName, start.Configuration.StrideInFirstConvolution);
            var description = layout.Build(new LayerSet(), DetectorNetwork.BackboneName, 1).Description;
            var name = BackboneLayouts.Names.FirstOrDefault(name => Fits(name, start));
            return name is null ? description : $"{name}: {description}";
        }
        catch (WeightsException)
        {
            return "of a kind that is not known here";
        }
    }

    /// <summary>Whether weights have all tensors of a backbone that can be named, and are no deeper.</summary>
    private static bool Fits(string name, StartingWeights start)
    {
        var layers = new LayerSet();
        var layout = BackboneLayouts.Of(name, [64, 128, 256, 512], topMap: 5, start.Configuration.StrideInFirstConvolution);
        layout.Build(layers, DetectorNetwork.BackboneName, 1);
        var needed = layers.Tensors.ToList();
        return needed.TrueForAll(spec => start.Tensors.Tensors.TryGetValue(spec.Name, out var own) && own.HasShape(spec.Shape))
            && Depths(needed.Select(spec => spec.Name)).All(
                stage => Depths(start.Tensors.Tensors.Keys).TryGetValue(stage.Key, out var blocks) && blocks == stage.Value);
    }

    /// <summary>The number of blocks of each stage.</summary>
    private static Dictionary<string, int> Depths(IEnumerable<string> names)
        => names.Select(name => Block().Match(name)).Where(match => match.Success)
            .GroupBy(match => match.Groups["stage"].Value)
            .ToDictionary(
                stage => stage.Key,
                stage => 1 + stage.Max(match => int.Parse(match.Groups["block"].Value, CultureInfo.InvariantCulture)));

    [GeneratedRegex(@"^backbone\.body\.(?<stage>(layer)?[0-9]{1,4})\.(?<block>[0-9]{1,4})\.", RegexOptions.ExplicitCapture)]
    private static partial Regex Block();
}
