using System.Text.Json;
using Fpn.IlGpu.Networks;
using Fpn.IlGpu.Tensors;
using Fpn.IlGpu.Weights;

namespace Fpn.IlGpu.Training;

/// <summary>
/// The weights that a run starts from, and their conventions: how the pixels reach the network, where a bottleneck's stride is, the
/// anchors, … Weights that were trained with one convention are worth little with another, so a run keeps them unless its configuration
/// says otherwise.
/// </summary>
internal sealed class StartingWeights : IDisposable
{
    /// <summary>Creates them from opened weights, which they own.</summary>
    /// <param name="name">What the run's configuration calls them.</param>
    /// <param name="tensors">The weights, as <see cref="Checkpoint"/> opens them.</param>
    public StartingWeights(string name, StateDictionary tensors)
    {
        Name = name;
        Tensors = tensors;
        Configuration = ModelConfiguration.Of(tensors);
        IsBackbone = Checkpoint.IsBackbone(tensors);
    }

    /// <summary>What the run's configuration calls them.</summary>
    public string Name { get; }

    /// <summary>Their tensors, under torchvision's names.</summary>
    public StateDictionary Tensors { get; }

    /// <summary>Their conventions.</summary>
    public ModelConfiguration Configuration { get; }

    /// <summary>Whether they are a backbone without heads.</summary>
    public bool IsBackbone { get; }

    /// <summary>The names of their classes, in the order of the class layer; null if the file names none.</summary>
    public IReadOnlyList<string>? Classes
        => Configuration.Classes ?? (!Configuration.BackgroundLast
            && Tensors.Tensors.TryGetValue("roi_heads.box_predictor.cls_score.bias", out var bias) && bias.Count == CocoClasses.Names.Count
            ? CocoClasses.Names
            : null);

    /// <summary>Returns the file that a name means.</summary>
    /// <param name="name">A path, or the name of a published model that was downloaded.</param>
    /// <param name="folder">The folder that paths are relative to.</param>
    /// <exception cref="WeightsException">It is the name of a model that was not downloaded.</exception>
    public static string PathOf(string name, string folder)
    {
        var path = Path.Combine(folder, name);
        if (Path.Exists(path) || ModelZoo.Find(name) is not { } model)
            return path;
        var cache = ModelCache.OfUser();
        return cache.Contains(model)
            ? cache.PathOf(model)
            : throw new WeightsException(
                $"The model '{model.Name}' ('network.weights') is not downloaded yet; run 'fpn weights download {model.Name}'.");
    }

    /// <summary>Opens the weights that a configuration names; null if it names none.</summary>
    /// <param name="network">The configuration.</param>
    /// <param name="folder">The folder that paths are relative to.</param>
    /// <exception cref="WeightsException">They are missing, broken or refused, or were not downloaded.</exception>
    public static StartingWeights? Open(NetworkLayout network, string folder)
        => network.Weights is { } name ? new StartingWeights(name, Checkpoint.OpenAny(PathOf(name, folder))) : null;

    /// <summary>Returns a model's configuration with the conventions of these weights.</summary>
    /// <param name="usual">The usual configuration of the detector, with its classes.</param>
    /// <param name="norms">The treatment of batch norms.</param>
    public ModelConfiguration ConventionsFor(ModelConfiguration usual, NormTraining norms)
    {
        var own = Configuration;
        // Weights of published models had an ε of 0 in frozen batch norms. A batch's variance can be 0.
        var epsilon = norms == NormTraining.Live && own.BatchNormEpsilon == 0 ? usual.BatchNormEpsilon : own.BatchNormEpsilon;
        return !IsBackbone && FamilyOf(own.Detector) == FamilyOf(usual.Detector)
            ? own with { Detector = usual.Detector, Classes = usual.Classes, ImagePyramid = usual.ImagePyramid, BatchNormEpsilon = epsilon }
            : usual with
            {
                Mean = own.Mean,
                Std = own.Std,
                PixelScale = own.PixelScale,
                Bgr = own.Bgr,
                ResizeRounds = own.ResizeRounds,
                ResizeAntialias = own.ResizeAntialias,
                SizeDivisor = own.SizeDivisor,
                StrideInFirstConvolution = own.StrideInFirstConvolution,
                BatchNormEpsilon = epsilon,
            };
    }

    /// <summary>The keys of the configuration that come from these weights and are not the usual ones, with their values.</summary>
    /// <param name="configuration">The configuration of the run.</param>
    /// <param name="usual">What the model's configuration would be without the weights.</param>
    /// <param name="model">The model's configuration.</param>
    public static IReadOnlyList<string> KeysTaken(TrainingConfiguration configuration, ModelConfiguration usual, ModelConfiguration model)
    {
        using var before = JsonDocument.Parse(usual.ToJson());
        using var after = JsonDocument.Parse(model.ToJson());
        return [.. after.RootElement.EnumerateObject()
            .Where(key => key.Name != "classes" && configuration.Model?.TryGetProperty(key.Name, out _) != true)
            .Where(key => !before.RootElement.TryGetProperty(key.Name, out var value) || !JsonElement.DeepEquals(value, key.Value))
            .Select(key => $"{key.Name} {key.Value.GetRawText()}")];
    }

    /// <inheritdoc/>
    public void Dispose() => Tensors.Dispose();

    /// <summary>Detectors that share an RPN, RoI features or both have the same anchors and the same use of the levels.</summary>
    private static string FamilyOf(string detector)
        => detector is DetectorKind.RetinaNet or DetectorKind.MaskProposals ? detector : DetectorKind.FasterRcnn;
}
