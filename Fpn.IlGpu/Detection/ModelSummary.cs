using Fpn.IlGpu.Imaging;
using Fpn.IlGpu.Runtime;
using Fpn.IlGpu.Tensors;
using Fpn.IlGpu.Weights;

namespace Fpn.IlGpu.Detection;

/// <summary>What a weights file was understood to be, and what running it takes.</summary>
/// <param name="Format">The kind of file.</param>
/// <param name="Backbone">The backbone, for people.</param>
/// <param name="Pyramid">The pyramid, for people.</param>
/// <param name="Head">What stands on the pyramid, for people.</param>
/// <param name="Classes">The names of the classes by id.</param>
/// <param name="Configuration">The conventions and settings, stated or implied.</param>
/// <param name="Parameters">How many numbers are used.</param>
/// <param name="DataTypes">How the file holds them, the most frequent first.</param>
/// <param name="Unused">The names of the tensors that nothing asked for.</param>
/// <param name="WeightBytes">Device memory that the loaded weights take.</param>
/// <param name="InputH">Height of the network's input for a picture of the size asked for, in px.</param>
/// <param name="InputW">Its width, in px.</param>
/// <param name="MultiplyAdds">
/// Of convolutions and matrix products, for one such picture in which nothing is found; a FLOP count is twice that.
/// </param>
/// <param name="MultiplyAddsPerMask">What the mask of each object found adds; 0 without masks.</param>
/// <param name="PeakBytes">The most that was held of the device's memory, since it was opened.</param>
public sealed record ModelSummary(
    string Format, string Backbone, string Pyramid, string Head, IReadOnlyList<string> Classes, ModelConfiguration Configuration,
    long Parameters, IReadOnlyList<DataType> DataTypes, IReadOnlyList<string> Unused, long WeightBytes, int InputH, int InputW,
    long MultiplyAdds, long MultiplyAddsPerMask, long PeakBytes)
{
    /// <summary>Loads a model, and runs it once on a grey picture.</summary>
    /// <param name="device">On which; counts are the same on all.</param>
    /// <param name="path">A file that <see cref="Checkpoint.Open"/> understands, or null for the model that comes along.</param>
    /// <param name="height">Of the picture, in px.</param>
    /// <param name="width">Of the picture, in px.</param>
    /// <param name="overrides">See <see cref="Checkpoint.Open"/>.</param>
    /// <exception cref="WeightsException">The file is missing, broken, or holds no such model.</exception>
    /// <exception cref="DeviceException">The device is out of memory.</exception>
    public static ModelSummary Of(Device device, string? path, int height, int width, string? overrides = null)
    {
        ArgumentNullException.ThrowIfNull(device);
        using var state = path is null ? ShippedModel.Open(overrides) : Checkpoint.Open(path, overrides);
        var before = device.Memory.HeldBytes;
        using var detector = Detector.Load(device, state);
        var weightBytes = device.Memory.HeldBytes - before;
        var pixels = new byte[checked(height * width * 3)];
        pixels.AsSpan().Fill(128);
        var picture = new RgbImage(width, height, pixels);
        var (inputH, inputW) = detector.Transform.InputSize([picture]);
        // Nothing is to be found: what noise it would see is no property of a model.
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

    /// <summary>All that keeps a file from loading, a sentence each; nothing of one that loads.</summary>
    /// <param name="device">On which.</param>
    /// <param name="path">A file that <see cref="Checkpoint.Open"/> understands.</param>
    /// <param name="overrides">See <see cref="Checkpoint.Open"/>.</param>
    /// <exception cref="WeightsException">The file is missing, broken, or no detector's.</exception>
    public static IReadOnlyList<string> ProblemsOf(Device device, string path, string? overrides = null)
    {
        ArgumentNullException.ThrowIfNull(device);
        using var state = Checkpoint.Open(path, overrides);
        var problems = new List<string>();
        try
        {
            using var detector = Detector.Load(device, state, problems);
        }
        catch (WeightsException e)
        {
            // Without this one, what the rest should be is not known.
            problems.Add(e.Message);
        }
        return [.. problems.Distinct()];
    }
}
