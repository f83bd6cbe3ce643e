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
        var command = new Command("list", "Lists the published detectors and backbones, with their accuracy.");
        command.SetAction(_ => List(new Screen(), ModelCache.OfUser()));
        return command;
    }

    private static int List(Screen screen, ModelCache cache)
    {
        // What all models of a source share is in the heading, because long names leave little room in the table.
        foreach (var source in ModelZoo.All.GroupBy(model => (model.Source, model.IsBackbone)))
        {
            screen.WriteLine(Heading(source.First(), source.Any(model => model.ProposalAr is not null)));
            screen.Write(TableOf([.. source], cache.Contains));
            screen.WriteLine();
        }
        screen.WriteLine("'fpn weights download NAME' downloads one; 'fpn detect --model NAME' uses it.");
        screen.WriteLine("Training starts from any of them: \"network\": { \"weights\": \"NAME\" }.");
        screen.WriteLine($"Downloaded models are in {cache.Folder}.");
        return ExitCode.Done;
    }

    /// <summary>A table of the models of one source, with a row for each.</summary>
    /// <param name="models">The models: all of them detectors, or all backbones.</param>
    /// <param name="isHere">Whether a model was downloaded.</param>
    internal static Table TableOf(IReadOnlyCollection<ZooModel> models, Func<ZooModel, bool> isHere)
    {
        var areBackbones = models.All(model => model.IsBackbone);
        var table = Screen.NewTable();
        table.AddColumn(new TableColumn("name").NoWrap());
        table.AddColumn(new TableColumn(areBackbones ? "top-1" : "box AP").RightAligned().NoWrap());
        if (!areBackbones)
            table.AddColumn(new TableColumn("mask AP").RightAligned().NoWrap());
        table.AddColumn(new TableColumn("MB").RightAligned().NoWrap());
        table.AddColumn(new TableColumn("here").NoWrap());
        foreach (var model in models)
        {
            var recall = model.ProposalAr is { } value ? $"AR {Percent(value)}" : null;
            string[] figures = areBackbones ? [Percent(model.Top1)] : [recall ?? Percent(model.BoxAp), Percent(model.MaskAp)];
            var size = model.ApproximateBytes is { } bytes ? (bytes / 1e6).ToString("F0", CultureInfo.InvariantCulture) : "";
            table.AddRow([.. ((string[])[model.Name, .. figures, size, isHere(model) ? "yes" : ""]).Select(cell => new Text(cell))]);
        }
        return table;
    }

    private static string Heading(ZooModel any, bool proposals)
        => any.IsBackbone ? $"{any.Source}'s backbones ({any.Licence}); top-1 accuracy on {any.MeasuredOn}:"
            : $"{any.Source} ({any.Licence}); AP{(proposals ? " (or AR of 1000 proposals)" : "")} on {any.MeasuredOn}:";

    private static string Percent(double? value) => value?.ToString("F1", CultureInfo.InvariantCulture) ?? "";
}
