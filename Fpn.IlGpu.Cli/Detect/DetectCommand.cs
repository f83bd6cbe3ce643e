using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;

namespace Fpn.IlGpu.Cli;

/// <summary>The command line of <c>fpn detect</c>: its options, what may be given for them, and its help.</summary>
internal static class DetectCommand
{
    private const string Examples = """
        Examples:
          fpn detect samples
              The pictures of a folder, annotated in detections/.
          fpn detect street.jpg --score 0.7 --out found
              One picture, surer objects only, annotated in found/.
          fpn detect "photos/**/*.jpg" --json all.jsonl
              A pattern, expanded by fpn where the shell doesn't.
          fpn detect street.jpg --model fasterrcnn_resnet50_fpn_v2
              COCO's 80 classes, after 'fpn weights download' of that name.
          fpn detect samples --no-pictures --json -
              JSON Lines on standard output, and nothing else.

        Exit codes:
          0    all done
          1    something failed; the other pictures are done
          2    wrong usage
          130  stopped by Ctrl-C
        """;

    public static Command Create()
    {
        var paths = new Argument<string[]>("PATH")
        {
            Description = "Pictures, folders of pictures, or patterns with *, ? and ** (.jpg, .jpeg, .png, .bmp, .webp).",
            Arity = ArgumentArity.OneOrMore,
        };
        var recursive = new Option<bool>("--recursive", "-r") { Description = "Look into the folders below a folder, too." };
        var model = new Option<string?>("--model", "-m")
        {
            Description = "The weights: a .safetensors, .pth, .pt or .pkl file, or a name of 'fpn weights list' that was downloaded. "
                + "Default: the model that ships with fpn, which knows seven shapes.",
            HelpName = "FILE|NAME",
        };
        var configuration = ConfigurationOption.Create();
        var device = DeviceOption.Create();
        var anyOpenCl = DeviceOption.CreateAnyOpenCl();
        var precision = DeviceOption.CreatePrecision();
        var score = new Option<float>("--score", "-s")
        {
            Description = "Leave out objects that score lower; 0 to 1.",
            HelpName = "SCORE",
            DefaultValueFactory = _ => 0.5f,
            CustomParser = ParseScore,
        };
        var batch = WholeNumberOption.Create(
            "--batch", "N", 1, 1, 1024, "Pictures detected together: a large GPU may do more a second, and needs more memory.");
        var output = new Option<string>("--out", "-o")
        {
            Description = "The folder for annotated pictures; made where it is missing.",
            HelpName = "DIR",
            DefaultValueFactory = _ => "detections",
        };
        var noPictures = new Option<bool>("--no-pictures") { Description = "Draw no annotated pictures." };
        var json = new Option<string?>("--json", "-j")
        {
            Description = "Write JSON Lines, an object for each picture; '-' is standard output, in place of the tables.",
            HelpName = "FILE",
        };
        json.Validators.Add(RefusePicture);
        var maxPixels = new Option<long?>("--max-pixels")
        {
            Description = "Refuse pictures that claim more pixels than this, before they take memory.",
            HelpName = "N",
            CustomParser = result => WholeNumberOption.Parse(result, 1, long.MaxValue),
        };
        paths.Validators.Add(RefuseOptions);

        var command = new Command("detect", "Finds objects in pictures: a table, annotated pictures, and JSON.")
        {
            paths, recursive, model, configuration, device, anyOpenCl, precision, score, batch, output, noPictures, json, maxPixels,
        };
        HelpWithExamples.AddTo(command, Examples);
        command.SetAction(parsed => Detect(new DetectSettings
        {
            Paths = parsed.GetRequiredValue(paths),
            Recursive = parsed.GetValue(recursive),
            Model = parsed.GetValue(model),
            Configuration = ConfigurationOption.ToJson(parsed.GetValue(configuration)),
            Device = parsed.GetRequiredValue(device),
            AnyOpenCl = parsed.GetValue(anyOpenCl),
            Precision = parsed.GetValue(precision),
            Score = parsed.GetValue(score),
            Batch = (int)parsed.GetValue(batch),
            Out = parsed.GetRequiredValue(output),
            DrawPictures = !parsed.GetValue(noPictures),
            Json = parsed.GetValue(json),
            MaxPixels = parsed.GetValue(maxPixels),
        }));
        return command;
    }

    private static int Detect(DetectSettings settings)
    {
        var screen = new Screen(quiet: settings.Json == JsonLines.StandardOutput);
        using var interruption = new Interruption(screen, "Stopping after the current picture; Ctrl-C again stops at once.");
        return new DetectRun(settings, screen, interruption.Token).Execute();
    }

    private static float ParseScore(ArgumentResult result)
    {
        var value = result.Tokens[0].Value;
        if (!float.TryParse(value, NumberStyles.Float, CultureInfo.InvariantCulture, out var score) || score is not (>= 0 and <= 1))
            result.AddError($"--score is '{value}'; it can be a number from 0 to 1, such as 0.5");
        return score;
    }

    // The parser takes an option that it does not know for one more path.
    private static void RefuseOptions(ArgumentResult result)
    {
        var option = result.Tokens.Select(token => token.Value)
            .FirstOrDefault(value => value.StartsWith('-') && !Path.Exists(value));
        if (option is not null)
            result.AddError($"There is no option '{option}'");
    }

    // Someone who forgets the file's name after --json would lose the picture that follows it.
    private static void RefusePicture(OptionResult result)
    {
        var file = result.Tokens.Count > 0 ? result.Tokens[0].Value : null;
        if (file is not null && InputPictures.IsPicture(file))
            result.AddError($"--json would write over the picture '{file}'; name another file, such as detections.jsonl");
    }
}
