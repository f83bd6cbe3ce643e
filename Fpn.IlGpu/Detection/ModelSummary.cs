using Fpn.IlGpu.Imaging;
using Fpn.IlGpu.Runtime;
using Fpn.IlGpu.Tensors;
using Fpn.IlGpu.Weights;

namespace Fpn.IlGpu.Detection;

/// <summary>A description of the model in a weights file, and of the resources it needs to run.</summary>
/// <param name="Format">The file format.</param>
/// <param name="Backbone">A description of the backbone, for users.</param>
/// <param name="Pyramid">A description of the pyramid, for users.</param>
/// <param name="Head">A description of the heads, for users.</param>
/// <param name="Classes">The names of the classes by id.</param>
/// <param name="Configuration">The conventions and settings, stated or implied.</param>
/// <param name="Parameters">The number of tensor elements that the model uses.</param>
/// <param name="DataTypes">The data types they have in the file, most frequent first.</param>
/// <param name="Unused">The names of the tensors that the model does not use.</param>
/// <param name="WeightBytes">The device memory of the loaded weights, in bytes.</param>
/// <param name="InputH">The height of the network's input for a picture of the given size, in px.</param>
/// <param name="InputW">The width of that input, in px.</param>
/// <param name="MultiplyAdds">
/// The multiply-adds of convolutions and matrix products for one such picture without detections; the FLOP count is twice that.
/// </param>
/// <param name="MultiplyAddsPerMask">The additional multiply-adds for the mask of each detected object; 0 without masks.</param>
/// <param name="PeakBytes">The peak of the device memory held since the device was opened, in bytes.</param>
public sealed record ModelSummary(
    string Format, string Backbone, string Pyramid, string Head, IReadOnlyList<string> Classes, ModelConfiguration Configuration,
    long Parameters, IReadOnlyList<DataType> DataTypes, IReadOnlyList<string> Unused, long WeightBytes, int InputH, int InputW,
    long MultiplyAdds, long MultiplyAddsPerMask, long PeakBytes)
{
    /// <summary>Loads a model and runs it once on a grey picture.</summary>
    /// <param name="device">The device to run on; counts are the same on every device.</param>
    /// <param name="path">A file that <see cref="Checkpoint.Open(string, ModelOptions?)"/> understands, or null for the model that ships with the library.</param>
    /// <param name="width">The width of the picture, in px.</param>
    /// <param name="height">The height of the picture, in px.</param>
    /// <param name="options">What the file does not say; null for nothing.</param>
    /// <exception cref="WeightsException">The file is missing or broken, or holds no model of a supported kind.</exception>
    /// <exception cref="DeviceException">The device is out of memory.</exception>
    public static ModelSummary Of(Device device, string? path, int width, int height, ModelOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(device);
        using var state = path is null ? ShippedModel.Open(options) : Checkpoint.Open(path, options);
        var before = device.Memory.HeldBytes;
        using var detector = Detector.Load(device, state, plan: null);
        var weightBytes = device.Memory.HeldBytes - before;
        var pixels = new byte[checked(height * width * 3)];
        pixels.AsSpan().Fill(128);
        var picture = new RgbImage(width, height, pixels);
        var (inputH, inputW) = detector.Transform.InputSize([picture]);
        // No score exceeds 1: detections in a grey picture are noise and would change the counts.
        detector.ScoreThreshold = 1;
        var arithmetic = device.MultiplyAdds;
        detector.Detect(picture);
        arithmetic = device.MultiplyAdds - arithmetic;
        return new ModelSummary(
            state.Format, detector.Backbone.Description, detector.Pyramid.Description, detector.Description, detector.Classes,
            detector.Configuration, detector.Weights.Used.Sum(t => t.Count),
            [.. detector.Weights.Used.GroupBy(t => t.DataType).OrderByDescending(g => g.Sum(t => t.Count)).Select(g => g.Key)],
            [.. detector.Weights.Unused.Select(t => t.Name)], weightBytes, inputH, inputW, arithmetic,
            (detector as MaskRcnn)?.MultiplyAddsPerMask() ?? 0, device.PeakMemoryBytes);
    }

    /// <summary>Lists everything that prevents a file from loading, one sentence each; empty if the file loads.</summary>
    /// <param name="device">The device to load the model on.</param>
    /// <param name="path">A file that <see cref="Checkpoint.Open(string, ModelOptions?)"/> understands.</param>
    /// <param name="options">What the file does not say; null for nothing.</param>
    /// <exception cref="WeightsException">The file is missing or broken, or does not hold a detector.</exception>
    public static IReadOnlyList<string> ProblemsOf(Device device, string path, ModelOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(device);
        using var state = Checkpoint.Open(path, options);
        var problems = new List<string>();
        try
        {
            using var detector = Detector.Load(device, state, problems);
        }
        catch (WeightsException e)
        {
            // This problem ends the list: the requirements for the remaining tensors depend on it.
            problems.Add(e.Message);
        }
        return [.. problems.Distinct()];
    }
}
