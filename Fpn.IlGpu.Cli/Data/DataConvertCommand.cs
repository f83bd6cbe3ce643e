using System.CommandLine;

using Fpn.IlGpu.Data;
using Fpn.IlGpu.Files;

namespace Fpn.IlGpu.Cli;

/// <summary><c>fpn data convert</c>: converts annotations of other formats to COCO JSON.</summary>
internal static class DataConvertCommand
{
    private const string Examples = """
        Formats:
          voc   a folder with Annotations/*.xml and JPEGImages, or both in one folder
          yolo  a data.yaml, or a folder with classes.txt, images/ and labels/
          csv   image,xmin,ymin,xmax,ymax,class in px, with a header or without
          cvat  the XML file of "CVAT for images 1.1"

        Examples:
          fpn data convert VOC2012 --split trainval --out trainval.json
          fpn data convert data.yaml --split val --out val.json
          fpn data convert boxes.csv --pictures photos --out boxes.json
          fpn data convert annotations.xml --pictures images --out cells.json

        File names in OUT are relative to the folder of the pictures, which the
        command prints as a line for the training configuration.

        Exit codes:
          0    the file was written
          1    something failed, or too much can't be used
          2    wrong usage
        """;

    public static Command Create()
    {
        var source = new Argument<string>("SRC") { Description = "The file or folder to convert." };
        var output = DataOptions.CreateOut("The JSON file to write; an existing one is replaced.");
        var to = new Option<string>("--to")
        {
            Description = "The format to write: coco, the only one.",
            HelpName = "FORMAT",
            DefaultValueFactory = _ => "coco",
            CustomParser = result =>
            {
                var text = result.Tokens[0].Value;
                if (text != "coco")
                    result.AddError($"--to is '{text}'; it must be coco");
                return text;
            },
        };
        var (from, pictures, list) = (DataOptions.CreateFrom(), DataOptions.CreatePictures(), DataOptions.CreateList());
        var (exif, problems, allow) = (ExifOption.Create(), ProblemOptions.CreateFile(), ProblemOptions.CreateAllow());
        var command = new Command("convert", "Converts VOC, YOLO, CSV or CVAT annotations to COCO JSON.")
        {
            source, output, from, to, pictures, list, exif, problems, allow,
        };
        HelpWithExamples.AddTo(command, Examples);
        command.SetAction(parsed =>
        {
            var data = new DataSource(parsed.GetRequiredValue(source))
            {
                Format = parsed.GetValue(from),
                Pictures = parsed.GetValue(pictures),
                List = parsed.GetValue(list),
                Exif = parsed.GetValue(exif),
            };
            return Convert(data, parsed.GetRequiredValue(output), parsed.GetValue(problems), parsed.GetValue(allow));
        });
        return command;
    }

    private static int Convert(DataSource source, string path, string? problems, bool allowed)
    {
        var screen = new Screen();
        var inUse = new FilesInUse();
        if ((source.Format ?? source.Guess()) == DataFormat.Coco)
            throw new CommandException($"'{source.Path}' is COCO JSON already; 'fpn data subset' and 'fpn data merge' change it.");
        var set = source.Read(inUse);
        var output = new DataOutput(inUse, screen);
        output.Check(path, "--out");
        output.Check(set.Problems, allowed, problems);
        DataOutput.Write(path, stream => CocoWriter.Write(set, stream));
        screen.WriteLine(
            $"{path}: {DataOptions.Count(set.Pictures.Count, "picture")}, "
            + $"{DataOptions.Count(set.Pictures.Sum(picture => (long)picture.Objects.Count), "object")} of "
            + $"{DataOptions.Count(set.Categories.Count, "class")} ({string.Join(", ", set.Categories.Select(category => category.Name))})");
        screen.WriteLine($"Train with \"coco\": {{ \"annotations\": \"{Slashes(path)}\", \"pictures\": \"{Slashes(set.Folder)}\" }}");
        return ExitCode.Done;
    }

    private static string Slashes(string path) => path.Replace('\\', '/');
}
