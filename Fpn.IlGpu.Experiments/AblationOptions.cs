namespace Fpn.IlGpu.Experiments;

/// <summary>The rows of the paper's tables to train, and the number of scenes to evaluate them on.</summary>
public sealed record AblationOptions
{
    /// <summary>The tables to train.</summary>
    public IReadOnlyList<PaperTable> Tables { get; init; } = PaperTables.All;

    /// <summary>The letters of the rows to train.</summary>
    public string Rows { get; init; } = "abcdef";

    /// <summary>The number of times each row is trained, with seeds from 0.</summary>
    public int Seeds { get; init; } = 3;

    /// <summary>The number of held-back scenes to evaluate on.</summary>
    public int HeldScenes { get; init; } = 300;
}

/// <summary>The result of training one row once.</summary>
/// <param name="Table">The table.</param>
/// <param name="Row">The row.</param>
/// <param name="Seed">The seed of the run.</param>
/// <param name="Figures">
/// The figures in percent, in the order of <see cref="PaperTable.Columns"/>; -1 where there are no objects of a size.
/// </param>
/// <param name="Time">The training time since the run was last started or resumed.</param>
public sealed record AblationResult(PaperTable Table, PaperRow Row, int Seed, IReadOnlyList<double> Figures, TimeSpan Time);

/// <summary>The progress of an ablation.</summary>
/// <param name="Run">A description of the current run.</param>
/// <param name="Step">The number of training steps done; null while a trained model is run.</param>
/// <param name="Steps">The total number of training steps.</param>
public sealed record AblationProgress(string Run, int? Step, int Steps);
