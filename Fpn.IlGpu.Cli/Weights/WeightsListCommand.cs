using System.CommandLine;
using System.Globalization;

using Fpn.IlGpu.Weights;

using Spectre.Console;

namespace Fpn.IlGpu.Cli;

/// <summary><c>fpn weights list</c>: lists the published models, their accuracy, and which are downloaded.</summary>
internal static class WeightsListCommand
{
    public static Command Create()
    {
        var command = new Command("list", "Lists the published models and their accuracy.");
        command.SetAction(_ => List(new Screen(), ModelCache.OfUser()));
        return command;
    }

    private static int List(Screen screen, ModelCache cache)
    {
        // What all models of a source share is in the heading, because long names leave little room in the table.
        foreach (var source in ModelZoo.All.GroupBy(model => model.Source))
        {
            screen.WriteLine(Heading(source.First(), source.Any(model => model.ProposalAr is not null)));
            screen.Write(TableOf(source, cache.Contains));
            screen.WriteLine();
        }
        screen.WriteLine("'fpn weights download NAME' downloads one; 'fpn detect --model NAME' uses it.");
        screen.WriteLine($"Downloaded models are in {cache.Folder}.");
        return ExitCode.Done;
    }

    /// <summary>A table of the models of one source, with a row for each.</summary>
    /// <param name="models">The models.</param>
    /// <param name="isHere">Whether a model was downloaded.</param>
    internal static Table TableOf(IEnumerable<ZooModel> models, Func<ZooModel, bool> isHere)
    {
        var table = Screen.NewTable();
        table.AddColumn(new TableColumn("name").NoWrap());
        table.AddColumn(new TableColumn("box AP").RightAligned().NoWrap());
        table.AddColumn(new TableColumn("mask AP").RightAligned().NoWrap());
        table.AddColumn(new TableColumn("MB").RightAligned().NoWrap());
        table.AddColumn(new TableColumn("here").NoWrap());
        foreach (var model in models)
        {
            table.AddRow(
                new Text(model.Name),
                new Text(model.ProposalAr is { } recall ? $"AR {Percent(recall)}" : Percent(model.BoxAp)),
                new Text(Percent(model.MaskAp)),
                new Text(model.ApproximateBytes is { } bytes ? (bytes / 1e6).ToString("F0", CultureInfo.InvariantCulture) : ""),
                new Text(isHere(model) ? "yes" : ""));
        }
        return table;
    }

    private static string Heading(ZooModel any, bool proposals)
        => $"{any.Source} ({any.Licence}); AP{(proposals ? " (or AR of 1000 proposals)" : "")} on {any.MeasuredOn}:";

    private static string Percent(double? value) => value?.ToString("F1", CultureInfo.InvariantCulture) ?? "";
}
