using System.CommandLine;

using Fpn.IlGpu.Data;
using Fpn.IlGpu.Files;

namespace Fpn.IlGpu.Cli;

/// <summary><c>fpn data merge</c>: makes one set of several.</summary>
internal static class DataMergeCommand
{
    private const string Examples = """
        Categories of one name become one; all ids are new, and file names are
        relative to the folder of the new file. A picture that two sets have counts
        once, with the objects of the first set.

        Examples:
          fpn data merge a/cells.json b/cells.json --out all.json
          fpn data merge a.json b.json --pictures photos/a --pictures photos/b \
                   --out all.json

        Other formats: run 'fpn data convert' first.

        Exit codes:
          0    the file was written
          1    something failed, or too much can't be used
          2    wrong usage
        """;

    public static Command Create()
    {
        var files = new Argument<string[]>("FILE")
        {
            Description = "JSON files in COCO's instances format, two or more.",
            Arity = ArgumentArity.OneOrMore,
        };
        var pictures = new Option<string[]>("--pictures", "-p")
        {
            Description = "The folder of a file's pictures; once for each file. Default: the files' own folders.",
            HelpName = "DIR",
        };
        var output = DataOptions.CreateOut("The JSON file to write; an existing one is replaced.");
        var (problems, allow) = (ProblemOptions.CreateFile(), ProblemOptions.CreateAllow());
        var command = new Command("merge", "Makes one set of several.") { files, output, pictures, problems, allow };
        command.Validators.Add(result =>
        {
            var (count, folders) = (result.GetValue(files)?.Length ?? 0, result.GetValue(pictures)?.Length ?? 0);
            if (count == 1)
                result.AddError("There is only one file; give two or more");
            else if (folders > 0 && folders != count)
                result.AddError($"--pictures is given {folders} times for {count} files");
        });
        HelpWithExamples.AddTo(command, Examples);
        command.SetAction(parsed => Merge(
            parsed.GetRequiredValue(files), parsed.GetValue(pictures) ?? [], parsed.GetRequiredValue(output), parsed.GetValue(problems),
            parsed.GetValue(allow)));
        return command;
    }

    private static int Merge(string[] files, string[] folders, string target, string? problems, bool allowed)
    {
        var screen = new Screen();
        var inUse = new FilesInUse();
        inUse.AddInputs(files);
        var output = new DataOutput(inUse, screen);
        output.Check(target, "--out");
        var documents = new List<CocoDocument>();
        try
        {
            foreach (var file in files)
                documents.Add(CocoDocument.Open(file));
            var all = new AnnotationProblems();
            documents.ForEach(document => all.Add(document.Problems));
            var sources = folders.Length > 0 ? folders : [.. files.Select(FolderOf)];
            var merged = MergedPictures.Of(documents, sources, FolderOf(target), all);
            output.Check(all, allowed, problems);
            DataOutput.Write(target, merged.Write);
            screen.WriteLine(
                $"{target}: {DataOptions.Count(merged.Pictures, "picture")}, {DataOptions.Count(merged.Objects, "object")} of "
                + $"{DataOptions.Count(merged.Classes.Count, "class")} ({string.Join(", ", merged.Classes)})");
            if (merged.LosesLicences)
                screen.WriteLine("The files list different licences; the new one lists none.");
            return ExitCode.Done;
        }
        finally
        {
            documents.ForEach(document => document.Dispose());
        }
    }

    private static string FolderOf(string file) => Path.GetDirectoryName(Path.GetFullPath(file))!;
}
