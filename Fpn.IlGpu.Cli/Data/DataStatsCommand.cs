using System.CommandLine;

using Fpn.IlGpu.Data;
using Fpn.IlGpu.Files;

using Spectre.Console;

namespace Fpn.IlGpu.Cli;

/// <summary><c>fpn data stats</c>: what sets have, and sizes that suit them.</summary>
internal static class DataStatsCommand
{
    private const int LeastSide = 32;
    private const int MostSide = 8192;
    private static readonly string[] Levels = ["P2", "P3", "P4", "P5"];

    private const string Notes = """
        Sizes of objects are √(width · height) of their boxes; small, medium and large
        are COCO's, by area. Levels are those that RoIs of the boxes' sizes are read
        from, by the paper's equation 1, at --min-size and --max-size.

        How the suggestion is computed:
          min_size, max_size   Pictures are scaled so that the objects' 10th percentile
                               is 16 px (four cells of P2), but at most by 0.5 to 2,
                               and to no more than 1333 px: the median of the shorter
                               sides and the 95th percentile of the longer ones.
          anchor_sizes         Five, each twice the one before, from 8, 16, 32 or 64:
                               those that leave the most objects within a factor of
                               √2 of an anchor.

        Examples:
          fpn data stats instances.json
          fpn data stats VOC2012 --split trainval --picture sizes.svg
          fpn data stats a.json b.json --min-size 800 --max-size 1333

        Exit codes:
          0    done
          1    something failed, or too much can't be used
          2    wrong usage
        """;

    public static Command Create()
    {
        var files = new Argument<string[]>("FILE")
        {
            Description = "Files or folders of annotations, counted together.",
            Arity = ArgumentArity.OneOrMore,
        };
        var (from, pictures, list) = (DataOptions.CreateFrom(), DataOptions.CreatePictures(), DataOptions.CreateList());
        var minSize = CreateSide("--min-size", "The length of the shorter side at the network's input. Default: the suggested one.");
        var maxSize = CreateSide("--max-size", "The limit of the longer side. Default: the suggested one.");
        var canonical = WholeNumberOption.Create(
            "--canonical-side", "PX", 224, 1, MostSide, "The size of a RoI that is read from P4 (roi_canonical_side).");
        var picture = new Option<string?>("--picture") { Description = "Draw the sizes by level (.svg).", HelpName = "FILE" };
        var (exif, problems, allow) = (ExifOption.Create(), ProblemOptions.CreateFile(), ProblemOptions.CreateAllow());
        var command = new Command("stats", "Counts pictures and objects by class, size and level, and suggests sizes.")
        {
            files, from, pictures, list, minSize, maxSize, canonical, picture, exif, problems, allow,
        };
        command.Validators.Add(result =>
        {
            // The values may be wrong by themselves, which their parsers say.
            var (min, max) = (result.GetResult(minSize)?.Tokens[0].Value, result.GetResult(maxSize)?.Tokens[0].Value);
            if (min is null != max is null)
                result.AddError("--min-size and --max-size go together");
            else if (SetBuilder.Number(min) > SetBuilder.Number(max))
                result.AddError("--min-size is more than --max-size");
            else if (result.GetValue(picture) is { } file && !file.EndsWith(".svg", StringComparison.OrdinalIgnoreCase))
                result.AddError($"--picture is '{file}'; its name must end in .svg");
        });
        HelpWithExamples.AddTo(command, Notes);
        command.SetAction(parsed =>
        {
            DataSource[] sources = [.. parsed.GetRequiredValue(files).Select(file => new DataSource(file)
            {
                Format = parsed.GetValue(from),
                Pictures = parsed.GetValue(pictures),
                List = parsed.GetValue(list),
                Exif = parsed.GetValue(exif),
                NeedsPictures = false,
                Masks = false,
            })];
            (int, int)? size = parsed.GetValue(minSize) is { } min ? ((int)min, (int)parsed.GetValue(maxSize)!.Value) : null;
            return Count(
                sources, size, parsed.GetValue(canonical), parsed.GetValue(picture), parsed.GetValue(problems), parsed.GetValue(allow));
        });
        return command;
    }

    private static Option<long?> CreateSide(string name, string description) => new(name)
    {
        Description = description,
        HelpName = "PX",
        CustomParser = result => WholeNumberOption.Parse(result, LeastSide, MostSide),
    };

    private static int Count(DataSource[] sources, (int Min, int Max)? size, float canonicalSide, string? picture, string? problems, bool allowed)
    {
        var screen = new Screen();
        var inUse = new FilesInUse();
        var sets = sources.Select(source => source.Read(inUse)).ToList();
        var output = new DataOutput(inUse, screen);
        if (picture is not null)
            output.Check(picture, "--picture");
        var all = new AnnotationProblems();
        sets.ForEach(set => all.Add(set.Problems));
        output.Check(all, allowed, problems);
        var statistics = SetStatistics.Of(sets);
        ShowPictures(screen, statistics);
        screen.Write(ByClass(statistics));
        if (statistics.Objects.Count == 0)
            return ExitCode.Done;
        var suggestion = size is { } given ? SizeSuggestion.ForAnchors(statistics, given.Min, given.Max) : SizeSuggestion.Of(statistics);
        var (min, max) = (suggestion.MinSize, suggestion.MaxSize);
        var sizes = statistics.Objects
            .Select(o => (Side: SetStatistics.SideInputPx(o, min, max), Level: SetStatistics.LevelOf(o, min, max, canonicalSide))).ToList();
        screen.WriteLine();
        screen.WriteLine(Said($"At min_size {min} and max_size {max}, RoIs of {canonicalSide} px being read from P4:"));
        screen.Write(ByLevel(sizes));
        screen.WriteLine();
        screen.WriteLine(Said(
            $"Suggested: {(size is null ? $"\"min_size\": {min}, \"max_size\": {max}, " : "")}\"anchor_sizes\": [{string.Join(", ", suggestion.Anchors)}]"));
        screen.WriteLine(Said($"{100 * suggestion.Covered:0.#} % of the objects are within a factor of √2 of an anchor (see --help)."));
        if (picture is not null)
        {
            var title = Said(
                $"{sizes.Count} objects at min_size {min} and max_size {max}, by the level that they are read from; dashed: anchors");
            DataOutput.Write(picture, stream => LevelPicture.Write(sizes, suggestion.Anchors, title, stream));
            screen.WriteLine($"{picture}: the sizes by level");
        }
        return ExitCode.Done;
    }

    private static void ShowPictures(Screen screen, SetStatistics statistics)
    {
        var widths = statistics.Pictures.Select(picture => (double)picture.Width).ToList();
        var heights = statistics.Pictures.Select(picture => (double)picture.Height).ToList();
        var distinct = statistics.Pictures.Select(picture => (picture.Width, picture.Height)).Distinct().Count();
        var size = distinct == 1
            ? Said($"all {widths[0]} × {heights[0]} px")
            : Said($"{widths.Min()} × {heights.Min()} to {widths.Max()} × {heights.Max()} px, ")
                + Said($"median {SetStatistics.Percentile(widths, 0.5)} × {SetStatistics.Percentile(heights, 0.5)}");
        screen.WriteLine($"{DataOptions.Count(statistics.Pictures.Count, "picture")}, {size}; {statistics.Empty} without an object that counts");
        screen.WriteLine(
            $"{DataOptions.Count(statistics.Objects.Count, "object")} of {DataOptions.Count(statistics.Classes.Count, "class")}; besides them, "
            + $"{DataOptions.Count(statistics.Crowds, "crowd")} and {DataOptions.Count(statistics.Ignored, "ignored object")}");
        screen.WriteLine();
    }

    private static Table ByClass(SetStatistics statistics)
    {
        var table = NewTable("class", "objects", "pictures", "small", "medium", "large", "median px");
        foreach (var name in statistics.Classes)
            Add(Screen.Printable(name), [.. statistics.Objects.Where(o => o.Class == name)]);
        if (statistics.Classes.Count > 1)
            Add("all", statistics.Objects);
        return table;

        void Add(string name, List<MeasuredObject> objects) => table.AddRow(
        [
            Markup.Escape(name), Said($"{objects.Count}"), Said($"{objects.Select(o => o.Picture).Distinct().Count()}"),
            .. Enumerable.Range(0, 3).Select(size => Said($"{objects.Count(o => SetStatistics.SizeOf(o) == size)}")),
            objects.Count == 0 ? "-" : Said($"{SetStatistics.Percentile(objects.Select(o => o.SideImagePx), 0.5):F0}"),
        ]);
    }

    private static Table ByLevel(List<(double Side, int Level)> sizes)
    {
        var table = NewTable("level", "objects", "share", "median px");
        foreach (var (index, name) in Levels.Index())
        {
            double[] own = [.. sizes.Where(size => size.Level == index + 2).Select(size => size.Side)];
            table.AddRow(
                name, Said($"{own.Length}"), Said($"{(double)own.Length / sizes.Count:F3}"),
                own.Length == 0 ? "-" : Said($"{SetStatistics.Percentile(own, 0.5):F0}"));
        }
        return table;
    }

    private static Table NewTable(params string[] headings)
    {
        var table = Screen.NewTable();
        foreach (var (index, heading) in headings.Index())
            table.AddColumn(index == 0 ? new TableColumn(heading) : new TableColumn(heading).RightAligned().NoWrap());
        return table;
    }

    private static string Said(FormattableString text) => FormattableString.Invariant(text);
}
