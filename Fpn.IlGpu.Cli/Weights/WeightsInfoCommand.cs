using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;
using System.Text.RegularExpressions;

using Fpn.IlGpu.Detection;
using Fpn.IlGpu.Runtime;
using Fpn.IlGpu.Tensors;
using Fpn.IlGpu.Weights;

using Spectre.Console;

namespace Fpn.IlGpu.Cli;

/// <summary><c>fpn weights info</c>: shows how a weights file was interpreted, and the cost of running it.</summary>
internal static partial class WeightsInfoCommand
{
    private const int UnusedShown = 10;
    private const int ProblemsShown = 20;
    private const int LongestShown = 120;

    public static Command Create()
    {
        var file = new Argument<string>("FILE")
        {
            Description = "A .pth, .pt, .pkl, .onnx or .safetensors file, or the name of a published model.",
        };
        var size = new Option<string>("--size")
        {
            Description = "Width and height, in px, of the picture for which arithmetic and memory are counted.",
            HelpName = "WxH",
            DefaultValueFactory = _ => "1333x800",
        };
        size.Validators.Add(RefuseOther);
        var settings = ConfigurationOption.Create();
        var command = new Command("info", "Shows what a weights file contains and costs to run.") { file, size, settings };
        command.SetAction(parsed =>
        {
            int[] sides = [.. parsed.GetRequiredValue(size).Split('x').Select(side => int.Parse(side, CultureInfo.InvariantCulture))];
            return Show(parsed.GetRequiredValue(file), height: sides[1], width: sides[0], ConfigurationOption.ToJson(parsed.GetValue(settings)));
        });
        return command;
    }

    private static int Show(string file, int height, int width, string? overrides)
    {
        using var device = Device.Open("cpu");
        var screen = new Screen();
        var path = ModelArgument.FileOf(file)!;
        ModelSummary model;
        try
        {
            model = ModelSummary.Of(device, path, width, height, ModelOptions.OfJson(overrides));
        }
        catch (WeightsException)
        {
            // The exception names only the first problem; this lists all of them.
            Complain(screen, path, ModelSummary.ProblemsOf(device, path, ModelOptions.OfJson(overrides)));
            return ExitCode.SomethingFailed;
        }
        var table = Screen.NewTable();
        table.AddColumn(new TableColumn("").NoWrap());
        table.AddColumn(new TableColumn(new Text(Screen.Printable(file))));
        Row("file", $"{model.Format}, {string.Join(", ", model.DataTypes)}");
        Row("detector", $"{model.Configuration.Detector}, {model.Classes.Count} classes");
        Row("backbone", model.Backbone);
        Row("pyramid", model.Pyramid);
        Row("head", model.Head);
        Row("parameters", Text($"{model.Parameters / 1e6:F1} million, {model.WeightBytes / 1e6:F0} MB on the device"));
        Row("picture", Text($"{width} × {height} px, as input {model.InputW} × {model.InputH} px"));
        Row("arithmetic", Text($"{2 * model.MultiplyAdds / 1e9:F1} GFLOP, counting a multiply-add as two"));
        if (model.MultiplyAddsPerMask > 0)
            Row("", Text($"and {2 * model.MultiplyAddsPerMask / 1e9:F2} GFLOP for each object's mask"));
        Row("memory", Text($"{model.PeakBytes / 1e6:F0} MB on the device at most"));
        var isDefault = !model.Configuration.Differences().Any();
        Row("conventions", isDefault ? "torchvision's" : "torchvision's, except for");
        foreach ((var key, var value) in model.Configuration.Differences())
            Row(key, value);
        Row("not used", Unused(model.Unused));
        screen.Write(table);
        return ExitCode.Done;

        void Row(string name, string value) => table.AddRow(new Text(name), new Text(Screen.Printable(value)));

        static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
    }

    private static void Complain(Screen screen, string path, IReadOnlyList<string> problems)
    {
        foreach (var problem in problems.Take(ProblemsShown))
            screen.Error(problem);
        if (problems.Count > ProblemsShown)
            screen.Error($"{path}: {problems.Count - ProblemsShown} more tensors can't be loaded.");
    }

    private static string Unused(IReadOnlyList<string> names)
    {
        var more = names.Count > UnusedShown ? $" and {names.Count - UnusedShown} more" : "";
        var shown = names.Take(UnusedShown).Select(name => name.Length > LongestShown ? name[..LongestShown] + "…" : name);
        return names.Count == 0 ? "nothing; every tensor is used" : $"{string.Join(", ", shown)}{more}";
    }

    private static void RefuseOther(OptionResult result)
    {
        var value = result.Tokens.Count > 0 ? result.Tokens[0].Value : "";
        if (result.Tokens.Count > 0 && !Sides().IsMatch(value))
            result.AddError($"--size is '{value}'; it must be WIDTHxHEIGHT in px, such as 1333x800");
    }

    [GeneratedRegex("^[1-9][0-9]{0,3}x[1-9][0-9]{0,3}$")]
    private static partial Regex Sides();
}
