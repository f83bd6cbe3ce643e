using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;

using Fpn.IlGpu.Tensors;
using Fpn.IlGpu.Weights;

namespace Fpn.IlGpu.Cli;

/// <summary><c>fpn weights convert</c>: converts a checkpoint from any source to one safetensors file.</summary>
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
        """;

    public static Command Create()
    {
        var input = new Argument<string>("IN") { Description = "A .pth, .pt, .pkl or .safetensors file." };
        var output = new Argument<string>("OUT") { Description = "The .safetensors file to write; an existing file is replaced." };
        var dataType = new Option<string>("--dtype")
        {
            Description = "The data type of the numbers: f32, f16 or bf16.",
            HelpName = "TYPE",
            DefaultValueFactory = _ => "f32",
            CustomParser = ParseDataType,
        };
        var settings = ConfigurationOption.Create();
        var command = new Command("convert", "Converts a checkpoint to safetensors.")
        {
            input, output, dataType, settings,
        };
        HelpWithExamples.AddTo(command, Examples);
        command.SetAction(parsed => Convert(
            parsed.GetRequiredValue(input), parsed.GetRequiredValue(output),
            Enum.Parse<DataType>(parsed.GetRequiredValue(dataType), ignoreCase: true),
            ConfigurationOption.ToJson(parsed.GetValue(settings))));
        return command;
    }

    private static int Convert(string input, string output, DataType dataType, string? overrides)
    {
        var report = ModelConverter.Convert(input, output, dataType, overrides);
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
        return ExitCode.Done;
    }

    private static string? ParseDataType(ArgumentResult result)
    {
        var value = result.Tokens[0].Value.ToLowerInvariant();
        if (value is not ("f32" or "f16" or "bf16"))
            result.AddError($"--dtype is '{value}'; it must be f32, f16 or bf16");
        return value;
    }
}
