namespace Fpn.IlGpu.Experiments;

/// <summary>A row of one of the paper's tables of ablations.</summary>
/// <param name="Letter">The paper's.</param>
/// <param name="Name">What is trained.</param>
/// <param name="Paper">Its figures in the paper, in percent, by <see cref="PaperTable.Columns"/>: COCO, ResNet-50.</param>
/// <param name="Change">What makes the configuration of row c, the pyramid as it is, this row's.</param>
public sealed record PaperRow(char Letter, string Name, IReadOnlyList<double> Paper, RowChange Change);

/// <summary>A table of the paper, with what its rows are here.</summary>
/// <param name="Number">The paper's.</param>
/// <param name="Title">What is compared.</param>
/// <param name="Columns">The figures of a row.</param>
/// <param name="Detector">What is trained, one of <see cref="Weights.DetectorKind"/>.</param>
/// <param name="Rows">a to f.</param>
public sealed record PaperTable(
    int Number, string Title, IReadOnlyList<string> Columns, string Detector, IReadOnlyList<PaperRow> Rows);
