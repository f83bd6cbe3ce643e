namespace Fpn.IlGpu.Experiments;

/// <summary>A row of one of the paper's ablation tables.</summary>
/// <param name="Letter">The row's letter in the paper.</param>
/// <param name="Name">A name for what is trained.</param>
/// <param name="Paper">
/// The paper's figures on COCO with ResNet-50, in percent, in the order of <see cref="PaperTable.Columns"/>; null where it gives none.
/// </param>
/// <param name="Change">The change from the configuration of row c, the complete pyramid, to this row's.</param>
public sealed record PaperRow(char Letter, string Name, IReadOnlyList<double?> Paper, RowChange Change);

/// <summary>An ablation table of the paper, with the changes that reproduce its rows.</summary>
/// <param name="Number">The table's number in the paper.</param>
/// <param name="Title">A title for what is compared.</param>
/// <param name="Columns">The names of a row's figures.</param>
/// <param name="Detector">The kind of detector to train, one of <see cref="Weights.DetectorKind"/>.</param>
/// <param name="Rows">The rows, from a on.</param>
public sealed record PaperTable(
    int Number, string Title, IReadOnlyList<string> Columns, string Detector, IReadOnlyList<PaperRow> Rows);
