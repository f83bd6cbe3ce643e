using System.CommandLine;
using System.Globalization;

using Fpn.IlGpu.Weights;

using Spectre.Console;

namespace Fpn.IlGpu.Cli;

/// <summary><c>fpn weights list</c>: the published models, how good they are, and which are here.</summary>
internal static class WeightsListCommand
{
    public static Command Create()
    {
        var command = new Command("list", "Lists the published models, how well they detect, and which are here.");
        command.SetAction(_ => List(new Screen(), ModelCache.OfUser()));
        return command;
    }

    private static int List(Screen screen, ModelCache cache)
    {
        // What all models of a source have in common is said over its table: their names leave little room in it.
        foreach (var source in ModelZoo.All.GroupBy(model => model.Source))
        {
            screen.WriteLine(Heading(source.First(), source.Any(model => model.ProposalAr is not null)));
            screen.Write(TableOf(source, cache.Contains));
            screen.WriteLine();
        }
        screen.WriteLine("'fpn weights download NAME' gets one, 'fpn detect --model NAME' uses it.");
        screen.WriteLine($"They are kept in {cache.Folder}.");
        return ExitCode.Done;
    }

    /// <summary>The models of one source, a line each.</summary>
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
        => $"{any.Source}'s, under {any.Licence}; AP{(proposals ? " (AR of 1000 proposals)" : "")} on {any.MeasuredOn}:";

    private static string Percent(double? value) => value?.ToString("F1", CultureInfo.InvariantCulture) ?? "";
}
