namespace Fpn.IlGpu.Training;

/// <summary>Which parts of a layer are trained.</summary>
/// <param name="IsTrained">Whether any part is trained.</param>
/// <param name="Norms">The treatment of its batch norm.</param>
/// <param name="Epsilon">The ε of batch norms.</param>
internal sealed record LayerTraining(bool IsTrained, NormTraining Norms, float Epsilon)
{
    /// <summary>The same layer with nothing trained.</summary>
    public LayerTraining AsFrozen => this with { IsTrained = false, Norms = NormTraining.Frozen };

    /// <summary>Whether batch norms are constants, to be folded into the weights.</summary>
    public bool FoldsNorms => !IsTrained || Norms == NormTraining.Frozen;
}
