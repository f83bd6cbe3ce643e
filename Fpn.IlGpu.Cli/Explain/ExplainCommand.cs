using System.CommandLine;

namespace Fpn.IlGpu.Cli;

/// <summary>The command line of <c>fpn explain</c>.</summary>
internal static class ExplainCommand
{
    private const string Examples = """
        The page shows this picture's feature maps, anchors, proposals, regions
        and boxes, with the formula and the kernel of each stage. It is one file
        without requests, and computes in the browser what its controls change.
        The model must be a Faster R-CNN or Mask R-CNN with a whole pyramid.

        Examples:
          fpn explain samples/shapes-320x320.png
              Writes shapes-320x320.html.
          fpn explain street.jpg --model fasterrcnn_resnet50_fpn --out street.html
          fpn explain photos --out pages
              A page for each picture, and pages/index.html.

        Exit codes:
          0    the page was written
          1    something failed
          2    wrong usage
          130  stopped by Ctrl-C
        """;

    public static Command Create()
    {
        var picture = new Argument<string>("PICTURE") { Description = "The picture (.jpg, .jpeg, .png, .bmp, .webp), or a folder of pictures." };
        var output = new Option<string?>("--out", "-o")
        {
            Description = "The page. Default: the picture's name with .html, in the current folder. For a folder: the folder of the pages "
                + "and of index.html, which shows them all. Default: explained.",
            HelpName = "FILE|DIR",
        };
        var model = new Option<string?>("--model", "-m")
        {
            Description = "The weights: a .safetensors, .pth, .pt or .pkl file, or a downloaded model's name; see 'fpn weights list'. "
                + "Default: the shipped model, which detects seven shapes.",
            HelpName = "FILE|NAME",
        };
        var (configuration, device) = (ConfigurationOption.Create(), DeviceOption.Create());
        var (anyOpenCl, precision) = (DeviceOption.CreateAnyOpenCl(), DeviceOption.CreatePrecision());
        var untimed = new Option<bool>("--no-times")
        {
            Description = "Leave out the kernels' times, the only part of a page that differs from run to run.",
        };
        var command = new Command("explain", "Explains a detection: writes a page that shows every stage, from pixels to boxes.")
        {
            picture, output, model, configuration, device, anyOpenCl, precision, untimed,
        };
        HelpWithExamples.AddTo(command, Examples);
        command.SetAction(parsed =>
        {
            var screen = new Screen();
            using var interruption = new Interruption(screen, "Stopping; press Ctrl-C again to stop now.");
            return new ExplainRun(screen, interruption.Token)
            {
                Picture = parsed.GetRequiredValue(picture),
                Out = parsed.GetValue(output),
                Model = parsed.GetValue(model),
                Configuration = ConfigurationOption.ToJson(parsed.GetValue(configuration)),
                Device = parsed.GetRequiredValue(device),
                Options = new() { AllowAnyOpenCl = parsed.GetValue(anyOpenCl), Precision = parsed.GetValue(precision) },
                Timed = !parsed.GetValue(untimed),
            }.Execute();
        });
        return command;
    }
}
