using System.Globalization;
using System.Text;

using Fpn.IlGpu.Detection;
using Fpn.IlGpu.Files;
using Fpn.IlGpu.Imaging;
using Fpn.IlGpu.Networks;
using Fpn.IlGpu.Runtime;

namespace Fpn.IlGpu.Cli;

/// <summary>One run of <c>fpn explain</c>.</summary>
internal sealed class ExplainRun(Screen screen, CancellationToken stop)
{
    public required string Picture { get; init; }
    public required string? Out { get; init; }
    public required string? Model { get; init; }
    public required string? Configuration { get; init; }
    public required string Device { get; init; }
    public required DeviceOptions Options { get; init; }

    /// <summary>Whether launches are timed.</summary>
    public required bool Timed { get; init; }

    /// <summary>Runs the command and returns the process's exit code.</summary>
    /// <exception cref="CommandException">The model can't be explained, or the page can't be written.</exception>
    /// <exception cref="PictureException">The picture can't be read.</exception>
    public int Execute()
    {
        if (Directory.Exists(Picture))
            throw new CommandException($"'{Picture}' is a folder; fpn explain takes one picture.");
        var weights = ModelArgument.FileOf(Model);
        var picture = PictureReader.Read(Picture);
        var inUse = new FilesInUse();
        inUse.AddInputs([Picture, .. ModelArgument.FilesOf(weights)]);
        var path = Out ?? $"{Path.GetFileNameWithoutExtension(Picture)}.html";
        using var device = IlGpu.Runtime.Device.Open(Device, Options);
        using var loaded = Detector.Load(device, weights, Configuration);
        var detector = Explainable(loaded);
        using var output = OutputFile.Open(path, "--out", inUse)!;
        try
        {
            var page = ExplainPage.Of(new ExplainedDetection(
                Path.GetFileName(Picture), picture, detector, detector.Trace(picture, stop),
                Model is null ? "the shipped model" : $"the model {Path.GetFileName(Model)}", $"{device.Info.Name} ({device.Info.Id})",
                Timed ? Timeline.Measure(detector, picture, device, stop) : null));
            output.Write(stream => stream.Write(Encoding.UTF8.GetBytes(page)));
            screen.WriteLine(string.Create(
                CultureInfo.InvariantCulture, $"{Picture}: {(path == OutputFile.StandardOutput ? "the page" : path)}, {Encoding.UTF8.GetByteCount(page) / 1024.0:F0} KB"));
            return ExitCode.Done;
        }
        catch (OperationCanceledException)
        {
            return ExitCode.Interrupted;
        }
    }

    /// <summary>Returns the detector if all sections of the page can be filled.</summary>
    private static FasterRcnn Explainable(Detector detector)
    {
        const string Needs = "fpn explain needs a Faster R-CNN or Mask R-CNN with a whole feature pyramid";
        var configuration = detector.Configuration;
        if (detector is not FasterRcnn found)
            throw new CommandException($"{Needs}; this model's detector is '{configuration.Detector}'.");
        if (detector.Pyramid is not FeaturePyramid)
            throw new CommandException($"{Needs}; this model's pyramid is '{configuration.Pyramid}'.");
        if (configuration.RoiMaxPool)
            throw new CommandException("fpn explain shows RoIAlign; this model pools its regions by roi_max_pool.");
        if (configuration.ImagePyramid.Length > 0)
            throw new CommandException("fpn explain shows one input size; this model detects at several, so add --set image_pyramid=[].");
        return found;
    }
}
