using Fpn.IlGpu.Tensors;

namespace Fpn.IlGpu.Weights;

/// <summary>The published models that are known by name.</summary>
public static class ModelZoo
{
    /// <summary>All of them: torchvision's detectors, then Detectron2's, then torchvision's backbones.</summary>
    public static IReadOnlyList<ZooModel> All { get; } = [.. TorchvisionModels.All, .. Detectron2Models.All, .. TorchvisionBackbones.All];

    /// <summary>Returns the model with this name, ignoring case; null if there is none.</summary>
    public static ZooModel? Find(string name)
        => All.FirstOrDefault(model => string.Equals(model.Name, name, StringComparison.OrdinalIgnoreCase));

    /// <summary>
    /// Returns the names most similar to an unknown name, best first: those that contain it, or that differ from it by few
    /// edits; none if no name is similar.
    /// </summary>
    /// <param name="name">The unknown name.</param>
    /// <param name="most">The maximum number of names.</param>
    public static IReadOnlyList<string> Nearest(string name, int most = 3)
    {
        ArgumentNullException.ThrowIfNull(name);
        return Spelling.Nearest(name, All.Select(model => model.Name), most);
    }

    /// <summary>Returns the model with this name, ignoring case.</summary>
    /// <exception cref="WeightsException">There is none; the message suggests similar names.</exception>
    internal static ZooModel Named(string name)
    {
        if (Find(name) is { } model)
            return model;
        var near = string.Join(" or ", Nearest(name).Select(WeightsException.Quote));
        throw new WeightsException(
            $"There is no file {WeightsException.Quote(name)}, and no published model of that name"
            + $"{(near.Length > 0 ? $"; did you mean {near}?" : ", see ModelZoo.All.")}");
    }
}
