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

    /// <summary>AP and AP50 of each class, the highest AP first, and how many objects it has.</summary>
    public static Table ByClass(IReadOnlyList<CocoEvaluation> evaluations, EvaluationTruth truth)
    {
        var table = Screen.NewTable();
        table.AddColumn(new TableColumn("class"));
        table.AddColumn(new TableColumn("objects").RightAligned().NoWrap());
        foreach (var name in evaluations.Select(evaluation => EvaluationJson.NameOf(evaluation.Kind)))
        {
            table.AddColumn(new TableColumn($"{name} AP").RightAligned().NoWrap());
            table.AddColumn(new TableColumn("AP50").RightAligned().NoWrap());
        }
        var objects = truth.Objects.Where(item => !item.IsCrowd).CountBy(item => item.CategoryId).ToDictionary();
        var figures = evaluations.Select(evaluation => (AP: evaluation.ClassFigures, AP50: evaluation.ClassFigures50)).ToList();
        var order = figures[0].AP.Index().OrderByDescending(figure => figure.Item.Value).ThenBy(figure => figure.Item.Name, StringComparer.Ordinal);
        foreach (var (k, figure) in order)
        {
            var count = objects.GetValueOrDefault(evaluations[0].Categories[k].Id).ToString(CultureInfo.InvariantCulture);
            string[] numbers = [count, .. figures.SelectMany(of => new[] { Said(of.AP[k].Value), Said(of.AP50[k].Value) })];
            table.AddRow([new Text(Screen.Printable(figure.Name)), .. numbers.Select(number => new Text(number))]);
        }
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
