using Fpn.IlGpu.Tensors;

namespace Fpn.IlGpu.Weights;

/// <summary>What a conversion did.</summary>
/// <param name="Tensors">How many tensors were written.</param>
/// <param name="Parameters">How many numbers they hold.</param>
/// <param name="Bytes">The size of the file written.</param>
/// <param name="LargestRounding">The largest difference between a number and what became of it.</param>
/// <param name="RoundedTensor">The tensor that it was found in; null where every number is as it was.</param>
/// <param name="LargestMagnitude">The largest magnitude of a number in that tensor.</param>
public sealed record ConversionReport(
    int Tensors, long Parameters, long Bytes, float LargestRounding, string? RoundedTensor, float LargestMagnitude);

/// <summary>
/// Weights of any source to one safetensors file under torchvision's names, its conventions stated in
/// <c>fpn.config</c>: from then on it opens at once.
/// </summary>
public static class ModelConverter
{
    /// <summary>
    /// Converts. What is written is read back and compared before it gets its name; no half-written file is ever found
    /// under it.
    /// </summary>
    /// <param name="input">What <see cref="Checkpoint.Open"/> reads.</param>
    /// <param name="output">The file; one that is there is replaced.</param>
    /// <param name="dataType">F32, F16 or BF16; numbers are rounded to the nearest.</param>
    /// <param name="overrides">Keys of <c>fpn.config</c> as a JSON object, or null; see <see cref="Checkpoint.Open"/>.</param>
    /// <exception cref="WeightsException">
    /// The input can't be read or holds no detector, a number is too large for the type, the output can't be written or
    /// did not come back as it was written.
    /// </exception>
    public static ConversionReport Convert(string input, string output, DataType dataType = DataType.F32, string? overrides = null)
    {
        ArgumentNullException.ThrowIfNull(output);
        using var weights = Checkpoint.Open(input, overrides);
        if (Path.GetFullPath(input) == Path.GetFullPath(output))
            throw new WeightsException($"{output}: is the file to convert; name another to write to.");
        if (!Directory.Exists(Path.GetDirectoryName(Path.GetFullPath(output))))
            throw new WeightsException($"{output}: can't be written (there is no such folder).");
        ConversionReport? report = null;
        SafetensorsWriter.Write(
            output, [.. weights.Tensors.Values], dataType, weights.Metadata,
            written => report = Compare(weights, written, output, dataType));
        return report!;
    }

    /// <summary>Holds every number of a file to the one that it was made from.</summary>
    private static ConversionReport Compare(StateDictionary weights, string path, string output, DataType dataType)
    {
        using var written = Safetensors.Open(path);
        var report = new ConversionReport(written.Tensors.Count, 0, new FileInfo(path).Length, 0, null, 0);
        foreach (var tensor in weights.Tensors.Values)
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
                        $"{output}: the tensor {WeightsException.Quote(tensor.Name)} came back with {after[i]} for {before[i]} "
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

    /// <summary>The farthest that rounding to the nearest may take a number: half the step between its neighbours.</summary>
    private static float HalfStep(float value, DataType dataType) => dataType switch
    {
        // 11 and 8 bits of precision; the smallest steps are 2^-24 and 2^-133.
        DataType.F16 => Math.Max(Math.Abs(value) * (1f / 2048), 1f / (1 << 25)),
        DataType.BF16 => Math.Max(Math.Abs(value) * (1f / 256), MathF.ScaleB(1, -134)),
        _ => 0,
    };
}
