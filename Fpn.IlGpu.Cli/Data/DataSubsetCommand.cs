using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;

using Fpn.IlGpu.Files;

namespace Fpn.IlGpu.Cli;

/// <summary><c>fpn data subset</c>: selects classes and pictures of a set, and renames or joins classes.</summary>
internal static class DataSubsetCommand
{
    private const string Examples = """
        Classes are renamed first, then selected. Two classes of one new name become
        one. Entries keep all their other keys.

        Examples:
          fpn data subset instances.json --classes cat,dog --out pets.json
              The cats and dogs, in the pictures that have any.
          fpn data subset instances.json --pictures 100 --seed 1 --out small.json
              100 pictures, chosen at random.
          fpn data subset instances.json --rename car=vehicle --rename truck=vehicle \
                   --out vehicles.json

        Exit codes:
          0    the file was written
          1    something failed, or there is no such class
          2    wrong usage
        """;

    public static Command Create()
    {
        var file = new Argument<string>("FILE") { Description = "A JSON file in COCO's instances format." };
        var output = DataOptions.CreateOut("The JSON file to write; an existing one is replaced.");
        var classes = new Option<string[]>("--classes", "-c")
        {
            Description = "The classes to keep, separated by commas; can be repeated. Default: all.",
            HelpName = "NAME,NAME…",
        };
        var keepEmpty = new Option<bool>("--keep-empty") { Description = "With --classes, keep pictures without any of these classes, too." };
        var rename = new Option<string[]>("--rename")
        {
            Description = "Give a class another name; can be repeated.",
            HelpName = "OLD=NEW",
        };
        rename.Validators.Add(RefuseOther);
        var pictures = new Option<long?>("--pictures", "-n")
        {
            Description = "The number of pictures to keep, chosen at random. Default: all.",
            HelpName = "N",
            CustomParser = result => WholeNumberOption.Parse(result, 1, int.MaxValue),
        };
        var seed = DataOptions.CreateSeed();
        var (problems, allow) = (ProblemOptions.CreateFile(), ProblemOptions.CreateAllow());
        var command = new Command("subset", "Selects classes and pictures of a set, and renames or joins classes.")
        {
            file, output, classes, keepEmpty, rename, pictures, seed, problems, allow,
        };
        command.Validators.Add(result =>
        {
            if (result.GetResult(classes) is null && result.GetResult(rename) is null && result.GetResult(pictures) is null)
                result.AddError("There is nothing to do: give --classes, --rename or --pictures");
        });
        HelpWithExamples.AddTo(command, Examples);
        command.SetAction(parsed =>
        {
            var selection = new Selection(
                parsed.GetValue(classes) ?? [], parsed.GetValue(rename) ?? [], parsed.GetValue(keepEmpty), (int?)parsed.GetValue(pictures),
                parsed.GetValue(seed));
            return Select(
                parsed.GetRequiredValue(file), parsed.GetRequiredValue(output), selection, parsed.GetValue(problems), parsed.GetValue(allow));
        });
        return command;
    }

    private static int Select(string path, string target, Selection selection, string? problems, bool allowed)
    {
        var screen = new Screen();
        var inUse = new FilesInUse();
        inUse.AddInputs(path);
        var output = new DataOutput(inUse, screen);
        output.Check(target, "--out");
        using var document = CocoDocument.Open(path);
        output.Check(document.Problems, allowed, problems);
        var classes = ClassSelection.Of(document, selection.Renames, selection.Classes);
        var candidates = document.Pictures
            .Where(picture => selection.Classes.Length == 0 || selection.KeepEmpty || document.ObjectsOf(picture).Any(classes.Has)).ToList();
        var pictures = Chosen(candidates, selection, path);
        var objects = 0L;
        DataOutput.Write(target, stream => document.Write(
            stream,
            json => pictures.ForEach(picture => picture.Json.WriteTo(json)),
            json => pictures.ForEach(picture =>
            {
                foreach (var annotated in document.ObjectsOf(picture).Where(classes.Has))
                {
                    objects++;
                    CocoDocument.WriteWithCategory(json, annotated.Json, classes.Of(annotated));
                }
            }),
            json => classes.Write(json)));
        var all = document.Pictures.Sum(picture => (long)document.ObjectsOf(picture).Count);
        screen.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"{target}: {pictures.Count} of {DataOptions.Count(document.Pictures.Count, "picture")}, "
            + $"{objects} of {DataOptions.Count(all, "object")}, "
            + $"{DataOptions.Count(classes.Names.Count, "class")} ({string.Join(", ", classes.Names)})"));
        var without = document.Pictures.Count - candidates.Count;
        if (without > 0)
        {
            screen.WriteLine(
                $"{DataOptions.Count(without, "picture")} without an object of {(classes.Names.Count == 1 ? "this class" : "these classes")} "
                + $"{(without == 1 ? "is" : "are")} left out; --keep-empty keeps {(without == 1 ? "it" : "them")}.");
        }
        return ExitCode.Done;
    }

    private static List<DocumentPicture> Chosen(List<DocumentPicture> candidates, Selection selection, string path)
    {
        if (candidates.Count == 0)
            throw new CommandException($"No picture of '{path}' has an object of these classes.");
        if (selection.Pictures is not { } wanted)
            return candidates;
        return wanted <= candidates.Count
            ? [.. StratifiedSplit.Shuffled(candidates.Count, selection.Seed).Take(wanted).Order().Select(i => candidates[i])]
            : throw new CommandException(
                $"--pictures asks for {wanted}, but '{path}' has only {DataOptions.Count(candidates.Count, "picture")} to choose from.");
    }

    private static void RefuseOther(OptionResult result)
    {
        foreach (var token in result.Tokens.Where(token => token.Value.Split('=') is not [{ Length: > 0 }, { Length: > 0 }]))
            result.AddError($"--rename is '{token.Value}'; it must be OLD=NEW, such as truck=vehicle");
    }

    private sealed record Selection(string[] Classes, string[] Renames, bool KeepEmpty, int? Pictures, long Seed);
}
