namespace Fpn.IlGpu.Experiments;

/// <summary>Which of the paper's rows are trained, and on how many scenes they are evaluated.</summary>
public sealed record AblationOptions
{
    /// <summary>The tables.</summary>
    public IReadOnlyList<PaperTable> Tables { get; init; } = PaperTables.All;

    /// <summary>The rows' letters.</summary>
    public string Rows { get; init; } = "abcdef";

    /// <summary>How often each row is trained, each time with another seed, from 0 on.</summary>
    public int Seeds { get; init; } = 3;

    /// <summary>Scenes to evaluate on, none of which is trained on.</summary>
    public int HeldScenes { get; init; } = 300;
}

/// <summary>One row, trained once.</summary>
/// <param name="Table">Its table.</param>
/// <param name="Row">Which.</param>
/// <param name="Seed">Of the run.</param>
/// <param name="Figures">In percent, by <see cref="PaperTable.Columns"/>; -1 where there is nothing of a size to be found.</param>
/// <param name="Time">That training took, since it was last begun.</param>
public sealed record AblationResult(PaperTable Table, PaperRow Row, int Seed, IReadOnlyList<double> Figures, TimeSpan Time);

/// <summary>How far an ablation is.</summary>
/// <param name="Run">Of what.</param>
/// <param name="Step">Of training; null while a trained model is at work.</param>
/// <param name="Steps">Of training, in all.</param>
public sealed record AblationProgress(string Run, int? Step, int Steps);
