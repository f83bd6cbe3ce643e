using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;

using Fpn.IlGpu.Tensors;

namespace Fpn.IlGpu.Cli;

/// <summary>The command line of <c>fpn detect</c>: its options, their checks, and its help.</summary>
internal static class DetectCommand
{
    private const string Examples = """
        Examples:
          fpn detect samples
              All pictures of a folder; annotated copies go to detections/.
          fpn detect street.jpg --score 0.7 --out found
              One picture; only objects with a score of 0.7 or more.
          fpn detect "photos/**/*.jpg" --json all.jsonl
              A pattern, which fpn expands if the shell does not.
          fpn detect street.jpg --model fasterrcnn_resnet50_fpn_v2
              COCO's 80 classes; run 'fpn weights download' with that name first.
          fpn detect samples --no-pictures --json -
              Only JSON Lines, on standard output.

        Exit codes:
          0    all done
          1    something failed; all other pictures are done
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
        var recursive = new Option<bool>("--recursive", "-r") { Description = "Include subfolders." };
        var model = new Option<string?>("--model", "-m")
        {
            Description = "The weights: a .safetensors, .pth, .pt, .pkl or .onnx file, or a downloaded model's name; see 'fpn weights list'. "
                + "Default: the shipped model, which detects seven shapes.",
            HelpName = "FILE|NAME",
        };
        var configuration = ConfigurationOption.Create();
        var device = DeviceOption.Create();
        var anyOpenCl = DeviceOption.CreateAnyOpenCl();
        var precision = DeviceOption.CreatePrecision();
        var score = new Option<float>("--score", "-s")
        {
            Description = "Omit objects with a lower score; 0 to 1.",
            HelpName = "SCORE",
            DefaultValueFactory = _ => 0.5f,
            CustomParser = ParseScore,
        };
        var batch = WholeNumberOption.Create(
            "--batch", "N", 1, 1, 1024, "Pictures per batch. Larger batches can be faster on a large GPU, but need more memory.");
        var output = new Option<string>("--out", "-o")
        {
            Description = "The folder for annotated pictures; created if missing.",
            HelpName = "DIR",
            DefaultValueFactory = _ => "detections",
        };
        var noPictures = new Option<bool>("--no-pictures") { Description = "Write no annotated pictures." };
        var json = new Option<string?>("--json", "-j")
        {
            Description = "Write JSON Lines, one object per picture; '-' writes them to standard output, instead of the tables.",
            HelpName = "FILE",
        };
        json.Validators.Add(RefusePicture);
        var maxPixels = new Option<long?>("--max-pixels")
        {
            Description = "Reject pictures that claim to have more pixels than this, before decoding them.",
            HelpName = "N",
            CustomParser = result => WholeNumberOption.Parse(result, 1, long.MaxValue),
        };
        paths.Validators.Add(RefuseOptions);

        var command = new Command("detect", "Detects objects; writes tables, annotated pictures and JSON.")
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
        var screen = new Screen(quiet: settings.Json == OutputFile.StandardOutput);
        using var interruption = new Interruption(screen, "Stopping after the current picture; press Ctrl-C again to stop now.");
        return new DetectRun(settings, screen, interruption.Token).Execute();
    }

    private static float ParseScore(ArgumentResult result)
    {
        var value = result.Tokens[0].Value;
        if (!float.TryParse(value, NumberStyles.Float, CultureInfo.InvariantCulture, out var score) || score is not (>= 0 and <= 1))
            result.AddError($"--score is '{value}'; it must be a number from 0 to 1, such as 0.5");
        return score;
    }

    // The parser treats an unknown option as another path.
    private static void RefuseOptions(ArgumentResult result)
    {
        var option = result.Tokens.Select(token => token.Value)
            .FirstOrDefault(value => value.StartsWith('-') && !Path.Exists(value));
        if (option is not null)
            result.AddError($"There is no option '{option}'{Spelling.Suggestion(option, OptionsOf(result))}");
    }

    private static IEnumerable<string> OptionsOf(ArgumentResult result)
        => ((CommandResult)result.Parent!).Command.Options.Select(option => option.Name);

    // If the file name after --json is missing, the parser takes the picture that follows, and would overwrite it.
    private static void RefusePicture(OptionResult result)
    {
        var file = result.Tokens.Count > 0 ? result.Tokens[0].Value : null;
        if (file is not null && InputPictures.IsPicture(file))
            result.AddError($"--json would overwrite the picture '{file}'; choose another file, such as detections.jsonl");
    }
}
