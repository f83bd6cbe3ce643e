using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;

using Fpn.IlGpu.Export;
using Fpn.IlGpu.Tensors;
using Fpn.IlGpu.Weights;

namespace Fpn.IlGpu.Cli;

/// <summary><c>fpn weights convert</c>: converts a checkpoint from any source to one file: safetensors, a PyTorch checkpoint, or ONNX.</summary>
internal static class WeightsConvertCommand
{
    private const string Examples = """
        Examples:
          fpn weights convert fasterrcnn_resnet50_fpn_coco-258fb6c6.pth r50.safetensors
              Keeps every number unchanged.
          fpn weights convert model_final_280758.pkl r50.safetensors --dtype f16
              Halves the size.
          fpn weights convert mine.pth mine.safetensors --set min_size=640
              Adds a setting that a .pth file does not contain.
          fpn weights convert run/model.safetensors --to pth
              Writes run/model.pth, a state dict that torchvision's model loads:
              model.load_state_dict(torch.load("run/model.pth", weights_only=True))
          fpn weights convert run/model.safetensors shapes.onnx
              Writes the detector as a graph for ONNX Runtime: uint8 'image' [height,
              width, 3] in; 'boxes', 'labels' and 'scores' out, and the masks of Mask
              R-CNN. The backbone must be a ResNet.
          fpn weights convert last.ckpt mine.safetensors --set prefix=student.
              Takes the network whose tensors' names begin with 'student.'.
        """;

    public static Command Create()
    {
        var input = new Argument<string>("IN")
        {
            Description = "A .pth, .pt, .pkl, .onnx or .safetensors file: a detector or a backbone.",
        };
        var output = new Argument<string?>("OUT")
        {
            Description = "The file to write: .safetensors, .pth, .pt or .onnx. Without it, IN with the ending of --to.",
            Arity = ArgumentArity.ZeroOrOne,
        };
        var to = new Option<string?>("--to")
        {
            Description = "The format to write: safetensors, pth or onnx. Without it, the ending of OUT says it.",
            HelpName = "FORMAT",
            CustomParser = ParseFormat,
        };
        var dataType = new Option<string>("--dtype")
        {
            Description = "The data type of the numbers: f32, f16 or bf16.",
            HelpName = "TYPE",
            DefaultValueFactory = _ => "f32",
            CustomParser = ParseDataType,
        };
        var settings = ConfigurationOption.Create();
        var command = new Command("convert", "Converts a checkpoint to safetensors, to PyTorch's format, or to ONNX.")
        {
            input, output, to, dataType, settings,
        };
        command.Validators.Add(parsed =>
        {
            if (parsed.GetResult(output) is null or { Tokens.Count: 0 } && parsed.GetResult(to) is null or { Tokens.Count: 0 })
                parsed.AddError("OUT or --to is needed: where to write to");
        });
        HelpWithExamples.AddTo(command, Examples);
        command.SetAction(parsed => Convert(
            parsed.GetRequiredValue(input), OutputOf(parsed.GetRequiredValue(input), parsed.GetValue(output), parsed.GetValue(to)),
            Enum.Parse<DataType>(parsed.GetRequiredValue(dataType), ignoreCase: true),
            ConfigurationOption.ToJson(parsed.GetValue(settings))));
        return command;
    }

    private static int Convert(string input, string output, DataType dataType, string? overrides)
    {
        var isOnnx = ModelFormats.Of(output) == ModelFormat.Onnx;
        var report = isOnnx
            ? OnnxExport.Convert(input, output, dataType, overrides)
            : ModelConverter.Convert(input, output, dataType, overrides);
        var screen = new Screen();
        screen.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"{output}: {report.Tensors} tensors, {report.Parameters / 1e6:F1} million numbers, {report.Bytes / 1e6:F1} MB, "
            + $"read back and compared."));
        screen.WriteLine(report.RoundedTensor is null
            ? "Every number is unchanged."
            : string.Create(
                CultureInfo.InvariantCulture,
                $"Largest rounding error: {report.LargestRounding:G3}, in {report.RoundedTensor}, "
                + $"whose largest magnitude is {report.LargestMagnitude:G3}."));
        if (isOnnx)
            screen.WriteLine($"In: image, uint8 [height, width, 3], RGB. Out: {string.Join(", ", report.Outputs)}.");
        return ExitCode.Done;
    }

    /// <summary>The file to write, whose ending says its format.</summary>
    /// <exception cref="CommandException">The ending is not that of the wanted format.</exception>
    private static string OutputOf(string input, string? output, string? format)
    {
        var ending = format is null ? null : $".{format}";
        if (output is null)
            return Path.ChangeExtension(input, ending)!;
        if (format is not null && ModelFormats.Of($"x.{format}") != ModelFormats.Of(output))
            throw new CommandException($"--to is {format}, but the ending of '{output}' is another; name it '{Path.ChangeExtension(output, ending)}'.");
        return output;
    }

    private static string? ParseFormat(ArgumentResult result)
    {
        var value = result.Tokens[0].Value.ToLowerInvariant();
        if (value is not ("safetensors" or "pth" or "onnx"))
            result.AddError($"--to is '{value}'; it must be safetensors, pth or onnx");
        return value;
    }

    private static string? ParseDataType(ArgumentResult result)
    {
        var value = result.Tokens[0].Value.ToLowerInvariant();
        if (value is not ("f32" or "f16" or "bf16"))
            result.AddError($"--dtype is '{value}'; it must be f32, f16 or bf16");
        return value;
    }
}
