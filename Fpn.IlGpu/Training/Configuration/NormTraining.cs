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
