using Fpn.IlGpu.Imaging;
using Fpn.IlGpu.Tensors;
using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.OnnxRuntime.Tensors;

namespace Fpn.IlGpu.Bench.OnnxRuntime;

/// <summary>An object that ONNX Runtime found.</summary>
/// <param name="ClassId">Its class.</param>
/// <param name="Score">Its score, 0…1.</param>
/// <param name="BoxImagePx">Its box, in px of the picture.</param>
/// <param name="Mask">Probabilities in a grid over the box; empty for detectors without masks.</param>
internal sealed record OnnxObject(int ClassId, float Score, Box BoxImagePx, float[] Mask);

/// <summary>An exported model in ONNX Runtime, on the CPU.</summary>
internal sealed class OnnxDetector : IDisposable
{
    private readonly InferenceSession session;

    /// <summary>Loads a model.</summary>
    /// <param name="path">The .onnx file.</param>
    /// <param name="threads">The number of threads; 0 for one a core.</param>
    public OnnxDetector(string path, int threads)
    {
        // Warnings are about weights that only some graph optimisations can use.
        using var options = new SessionOptions { IntraOpNumThreads = threads, LogSeverityLevel = OrtLoggingLevel.ORT_LOGGING_LEVEL_ERROR };
        session = new InferenceSession(path, options);
    }

    /// <summary>Finds the objects in a picture, best first.</summary>
    public IReadOnlyList<OnnxObject> Detect(RgbImage picture)
    {
        var image = new DenseTensor<byte>(picture.Pixels, [picture.Height, picture.Width, RgbImage.Channels]);
        using var results = session.Run([NamedOnnxValue.CreateFromTensor("image", image)]);
        var outputs = results.ToDictionary(output => output.Name);
        var boxes = Floats("boxes");
        var labels = ((DenseTensor<long>)outputs["labels"].AsTensor<long>()).Buffer.Span;
        var scores = Floats("scores");
        var masks = outputs.ContainsKey("masks") ? Floats("masks") : [];
        var maskLength = scores.Length == 0 ? 0 : masks.Length / scores.Length;
        var found = new List<OnnxObject>();
        for (var i = 0; i < scores.Length; i++)
        {
            var box = boxes.AsSpan(i * 4, 4);
            found.Add(new OnnxObject(
                (int)labels[i], scores[i], new Box(box[0], box[1], box[2], box[3]),
                masks.AsSpan(i * maskLength, maskLength).ToArray()));
        }
        return found;

        float[] Floats(string name) => ((DenseTensor<float>)outputs[name].AsTensor<float>()).Buffer.ToArray();
    }

    /// <inheritdoc/>
    public void Dispose() => session.Dispose();
}
