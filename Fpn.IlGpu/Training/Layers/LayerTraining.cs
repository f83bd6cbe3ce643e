namespace Fpn.IlGpu.Training;

/// <summary>What training does to batch norms.</summary>
public enum NormTraining
{
    /// <summary>Nothing: they are constants, folded into the weights before them; the rule for fine-tuning on few pictures.</summary>
    Frozen,

    /// <summary>γ and β are trained; the statistics stay those that were read.</summary>
    Affine,

    /// <summary>γ and β are trained, and the statistics are the batch's: for training from scratch.</summary>
    Live,
}

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
