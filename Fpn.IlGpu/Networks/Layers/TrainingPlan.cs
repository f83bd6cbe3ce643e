namespace Fpn.IlGpu.Networks;

/// <summary>Which parts of a network are trained.</summary>
/// <param name="Norms">The treatment of batch norms.</param>
/// <param name="Frozen">The prefixes of the names of layers that keep the weights they are loaded with.</param>
internal sealed record TrainingPlan(NormTraining Norms, IReadOnlyList<string> Frozen)
{
    /// <summary>Returns which parts of a layer are trained.</summary>
    /// <param name="name">The layer's name.</param>
    public LayerTraining Of(string name)
        => Frozen.Any(prefix => name.StartsWith(prefix, StringComparison.Ordinal))
            ? new LayerTraining(IsTrained: false, NormTraining.Frozen)
            : new LayerTraining(IsTrained: true, Norms);
}

/// <summary>Which parts of a layer are trained.</summary>
/// <param name="IsTrained">Whether any part is trained.</param>
/// <param name="Norms">The treatment of its batch norm.</param>
internal sealed record LayerTraining(bool IsTrained, NormTraining Norms)
{
    /// <summary>Whether batch norms are constants, to be folded into the weights.</summary>
    public bool FoldsNorms => !IsTrained || Norms == NormTraining.Frozen;
}
