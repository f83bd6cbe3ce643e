using Fpn.IlGpu.Files;
using Fpn.IlGpu.Tensors;

namespace Fpn.IlGpu.Weights;

/// <summary>The result of a conversion.</summary>
/// <param name="Tensors">The number of tensors written.</param>
/// <param name="Parameters">The number of values that they hold.</param>
/// <param name="Bytes">The size of the written file, in bytes.</param>
/// <param name="LargestRounding">The largest absolute difference between a value and its written value.</param>
/// <param name="RoundedTensor">The tensor with that difference; null if no value changed.</param>
/// <param name="LargestMagnitude">The largest magnitude of a value in that tensor.</param>
public sealed record ConversionReport(
    int Tensors, long Parameters, long Bytes, float LargestRounding, string? RoundedTensor, float LargestMagnitude)
{
    /// <summary>The names of an exported graph's outputs; empty for a file of weights alone.</summary>
    public IReadOnlyList<string> Outputs { get; init; } = [];
}

/// <summary>
/// Converts weights of any source, a detector or a backbone, to one file with torchvision's names: safetensors, or a PyTorch checkpoint.
/// The file states its conventions in <c>fpn.config</c>, so it needs no further interpretation here.
/// </summary>
public static class ModelConverter
{
    /// <summary>
    /// Converts a file. The output is read back and compared before it gets its name, so a half-written file never appears
    /// under that name.
    /// </summary>
    /// <param name="input">Any file that <see cref="Checkpoint.Open(string, ModelOptions?)"/> reads.</param>
    /// <param name="output">
    /// The file to write; an existing one is replaced. Its ending decides the format: <c>.safetensors</c>, or <c>.pth</c> or <c>.pt</c> for
    /// a state dict that <c>torch.load(…, weights_only=True)</c> reads.
    /// </param>
    /// <param name="dataType">F32, F16 or BF16; values are rounded to nearest.</param>
    /// <param name="options">What the input does not say; null for nothing.</param>
    /// <exception cref="WeightsException">
    /// The input can't be read or holds no model, the output's ending is another, a value is too large for the type, or the output can't be written or does
    /// not read back as it was written.
    /// </exception>
    public static ConversionReport Convert(string input, string output, DataType dataType = DataType.F32, ModelOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(output);
        var isPyTorch = ModelFormats.IsPyTorch(output);
        using var weights = Checkpoint.OpenAny(input, options);
        RefuseOutput(input, output);
        ConversionReport? report = null;
        StateTensor[] tensors = [.. weights.Tensors.Values];
        if (isPyTorch)
            PyTorchWriter.Write(output, tensors, dataType, weights.Metadata, Verify);
        else
            SafetensorsWriter.Write(output, tensors, dataType, weights.Metadata, Verify);
        return report!;

        void Verify(string written) => report = Compare(tensors, written, output, dataType);
    }

    /// <summary>Refuses an output that is one of the input's files, or whose folder does not exist.</summary>
    /// <exception cref="WeightsException">The output can't be written.</exception>
    internal static void RefuseOutput(string input, string output)
    {
        var inUse = new FilesInUse();
        inUse.AddInputs(WeightsFile.FilesOf(input));
        if (inUse.WhyNot(output) is { } reason)
            throw new WeightsException($"{output}: can't be written ({reason}); choose another output file.");
        if (!Directory.Exists(Path.GetDirectoryName(Path.GetFullPath(output))))
            throw new WeightsException($"{output}: can't be written (there is no such folder).");
    }

    /// <summary>As above, with the options as JSON, or null for none.</summary>
    internal static ConversionReport Convert(string input, string output, DataType dataType, string? overrides)
        => Convert(input, output, dataType, ModelOptions.OfJson(overrides));

    /// <summary>Compares every written value with the original.</summary>
    /// <param name="tensors">The original tensors.</param>
    /// <param name="path">The file as it was written, under a temporary name.</param>
    /// <param name="output">Its final name, for messages.</param>
    /// <param name="dataType">How values were written.</param>
    /// <exception cref="WeightsException">A value is not the original one, rounded to the type.</exception>
    internal static ConversionReport Compare(IEnumerable<StateTensor> tensors, string path, string output, DataType dataType)
    {
        using var written = WeightsFile.Open(path);
        var report = new ConversionReport(written.Tensors.Count, 0, new FileInfo(path).Length, 0, null, 0);
        foreach (var tensor in tensors)
        {
            var before = tensor.ToArray();
            var after = written.Read(tensor.Name, [.. tensor.Shape]);
            var (worst, magnitude) = (0f, 0f);
            for (var i = 0; i < before.Length; i++)
            {
                var difference = Math.Abs(before[i] - after[i]);
                if (!(difference <= HalfStep(before[i], dataType)))
                {
                    throw new WeightsException(
                        $"{output}: the tensor {WeightsException.Quote(tensor.Name)} reads back as {after[i]} instead of {before[i]} "
                        + $"at element {i}.");
                }
                worst = Math.Max(worst, difference);
                magnitude = Math.Max(magnitude, Math.Abs(before[i]));
            }
            report = report with { Parameters = report.Parameters + tensor.Count };
            if (worst > report.LargestRounding)
                report = report with { LargestRounding = worst, RoundedTensor = tensor.Name, LargestMagnitude = magnitude };
        }
        return report;
    }

    /// <summary>The largest error of rounding to nearest: half the spacing of adjacent values.</summary>
    private static float HalfStep(float value, DataType dataType) => dataType switch
    {
        // F16 and BF16 have 11 and 8 bits of precision; their smallest steps are 2^-24 and 2^-133.
        DataType.F16 => Math.Max(Math.Abs(value) * (1f / 2048), 1f / (1 << 25)),
        DataType.BF16 => Math.Max(Math.Abs(value) * (1f / 256), MathF.ScaleB(1, -134)),
        _ => 0,
    };
}
