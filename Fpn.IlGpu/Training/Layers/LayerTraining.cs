namespace Fpn.IlGpu.Training;

/// <summary>What of a layer is trained.</summary>
/// <param name="IsTrained">Whether anything is.</param>
/// <param name="Norms">What becomes of its batch norm.</param>
/// <param name="Epsilon">Of batch norms.</param>
internal sealed record LayerTraining(bool IsTrained, NormTraining Norms, float Epsilon)
{
    /// <summary>Nothing is trained.</summary>
    public LayerTraining AsFrozen => this with { IsTrained = false, Norms = NormTraining.Frozen };

    /// <summary>Whether batch norms are constants.</summary>
    public bool FoldsNorms => !IsTrained || Norms == NormTraining.Frozen;
}
