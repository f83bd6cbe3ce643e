using System.Globalization;

using Fpn.IlGpu.Evaluation;

using Spectre.Console;

namespace Fpn.IlGpu.Cli;

/// <summary>COCO's figures as a table, with one column for each kind (boxes, masks).</summary>
internal static class FigureTable
{
    // For each figure: IoU, object size, and how many of the best detections count per picture and class.
    private static readonly string[][] Meanings =
    [
        ["0.50:0.95", "all", "100"], ["0.50", "all", "100"], ["0.75", "all", "100"],
        ["0.50:0.95", "small", "100"], ["0.50:0.95", "medium", "100"], ["0.50:0.95", "large", "100"],
        ["0.50:0.95", "all", "1"], ["0.50:0.95", "all", "10"], ["0.50:0.95", "all", "100"],
        ["0.50:0.95", "small", "100"], ["0.50:0.95", "medium", "100"], ["0.50:0.95", "large", "100"],
    ];

    /// <summary>The 12 figures for detections.</summary>
    public static Table OfDetections(IReadOnlyList<CocoEvaluation> evaluations)
    {
        var table = NewTable(["figure", "IoU", "objects", "best"], evaluations);
        IReadOnlyList<EvaluationFigure>[] figures = [.. evaluations.Select(evaluation => evaluation.Figures)];
        for (var i = 0; i < Meanings.Length; i++)
            table.AddRow([figures[0][i].Name, .. Meanings[i], .. figures.Select(of => Said(of[i].Value))]);
        return table;
    }

    /// <summary>Recall by number of proposals and object size.</summary>
    public static Table OfProposals(IReadOnlyList<CocoEvaluation> evaluations)
    {
        var table = NewTable(["figure", "objects"], evaluations);
        IReadOnlyList<EvaluationFigure>[] figures = [.. evaluations.Select(evaluation => evaluation.ProposalFigures)];
        for (var i = 0; i < figures[0].Count; i++)
            table.AddRow([.. figures[0][i].Name.Split(' '), .. figures.Select(of => Said(of[i].Value))]);
        return table;
    }

    private static Table NewTable(string[] headings, IReadOnlyList<CocoEvaluation> evaluations)
    {
        var table = Screen.NewTable();
        foreach (var heading in headings)
            table.AddColumn(new TableColumn(heading).NoWrap());
        foreach (var evaluation in evaluations)
            table.AddColumn(new TableColumn(EvaluationJson.NameOf(evaluation.Kind)).RightAligned().NoWrap());
        return table;
    }

    // COCO's −1 means that there are no objects of that size.
    private static string Said(double figure) => figure < 0 ? "-" : figure.ToString("F3", CultureInfo.InvariantCulture);
}
