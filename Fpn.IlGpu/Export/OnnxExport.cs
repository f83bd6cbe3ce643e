using Fpn.IlGpu.Detection;
using Fpn.IlGpu.Runtime;
using Fpn.IlGpu.Tensors;
using Fpn.IlGpu.Weights;

namespace Fpn.IlGpu.Export;

/// <summary>
/// Exports detectors to ONNX, with everything from pixels to boxes in the graph. A program needs ONNX Runtime and nothing else to detect
/// with the file; this library reads its weights back, too.
/// <code>
/// image   uint8 [height, width, 3]   RGB, of any size
/// boxes   float [n, 4]               x1, y1, x2, y2 in px of the picture, best first
/// labels  int64 [n]                  class ids
/// scores  float [n]
/// masks   float [n, 28, 28]          Mask R-CNN: probabilities in a grid over the box
/// </code>
/// Metadata <c>fpn.config</c> has the class names and every setting.
/// </summary>
public static class OnnxExport
{
    /// <summary>
    /// Exports a model: Faster R-CNN, Mask R-CNN or RetinaNet on a Feature Pyramid Network and a ResNet. The weights are read back and
    /// compared before the file gets its name.
    /// </summary>
    /// <param name="input">Any file that <see cref="Checkpoint.Open(string, ModelOptions?)"/> reads.</param>
    /// <param name="output">The file to write, <c>.onnx</c>; an existing one is replaced.</param>
    /// <param name="dataType">How weights are stored: F32, F16 or BF16, rounded to nearest. The graph computes in float32.</param>
    /// <param name="options">What the input does not say; null for nothing.</param>
    /// <exception cref="WeightsException">
    /// The input can't be read, a part of the model can't be exported, a value is too large for the type, or the output can't be written
    /// or does not read back as it was written.
    /// </exception>
    public static ConversionReport Convert(string input, string output, DataType dataType = DataType.F32, ModelOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(output);
        if (ModelFormats.Of(output) != ModelFormat.Onnx)
            throw new WeightsException($"{output}: the ending of an ONNX file must be .onnx.");
        using var weights = Checkpoint.Open(input, options);
        ModelConverter.RefuseOutput(input, output);
        using var device = Device.Open("cpu");
        using var detector = Detector.Load(device, weights);
        var model = new ExportedModel(weights, detector);
        var graph = DetectorGraph.Build(model, dataType);
        ConversionReport? report = null;
        OnnxWriter.Write(
            output, graph, model.Configuration.ToJson(),
            written => report = ModelConverter.Compare(graph.Weights, written, output, dataType));
        return report! with { Outputs = [.. graph.Outputs.Select(port => port.Value.Name)] };
    }

    /// <summary>As above, with the options as JSON, or null for none.</summary>
    internal static ConversionReport Convert(string input, string output, DataType dataType, string? overrides)
        => Convert(input, output, dataType, ModelOptions.OfJson(overrides));
}
