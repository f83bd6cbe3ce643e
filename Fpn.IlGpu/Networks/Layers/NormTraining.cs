namespace Fpn.IlGpu.Networks;

/// <summary>How training treats batch norms.</summary>
public enum NormTraining
{
    /// <summary>Batch norms are constants, folded into the preceding weights; usual for fine-tuning on few pictures.</summary>
    Frozen,

    /// <summary>γ and β are trained; the statistics keep the values that were read.</summary>
    Affine,

    /// <summary>γ and β are trained, and the statistics are those of the batch; for training from scratch.</summary>
    Live,
}
