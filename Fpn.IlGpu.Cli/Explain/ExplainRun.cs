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
    private const string DefaultFolder = "explained";

    public required string Picture { get; init; }
    public required string? Out { get; init; }
    public required string? Model { get; init; }
    public required string? Configuration { get; init; }
    public required string Device { get; init; }
    public required DeviceOptions Options { get; init; }

    /// <summary>Whether launches are timed.</summary>
    public required bool Timed { get; init; }

    /// <summary>Runs the command and returns the process's exit code.</summary>
    /// <exception cref="CommandException">The model can't be explained, or a page can't be written.</exception>
    /// <exception cref="PictureException">The picture can't be read.</exception>
    public int Execute()
    {
        var isFolder = Directory.Exists(Picture);
        var inputs = isFolder ? InputPictures.Find([Picture], recursive: false, Out ?? DefaultFolder) : null;
        foreach (var problem in inputs?.Problems ?? [])
            screen.Error(problem);
        if (inputs is { Files.Count: 0 })
            return ExitCode.SomethingFailed;
        var weights = ModelArgument.FileOf(Model);
        var inUse = new FilesInUse();
        inUse.AddInputs([.. inputs?.Files ?? [Picture], .. ModelArgument.FilesOf(weights)]);
        var picture = isFolder ? null : PictureReader.Read(Picture);
        using var device = IlGpu.Runtime.Device.Open(Device, Options);
        using var loaded = Detector.Load(device, weights, Configuration);
        var detector = Explainable(loaded);
        try
        {
            if (picture is not null)
                Explain(detector, device, picture, Picture, Out ?? PageOf(Picture, ""), inUse);
            else
                return ExplainAll(detector, device, inputs!, inUse);
            return ExitCode.Done;
        }
        catch (OperationCanceledException)
        {
            return ExitCode.Interrupted;
        }
    }

    // Names of a folder's pictures differ, but not always before the extension.
    private static string PageOf(string picture, string extension)
        => $"{Path.GetFileNameWithoutExtension(picture)}{extension}.html";

    private int ExplainAll(FasterRcnn detector, Device device, InputPictures inputs, FilesInUse inUse)
    {
        var folder = Out ?? DefaultFolder;
        using var output = OutputFile.Open(Path.Combine(folder, "index.html"), "--out", inUse)!;
        var index = new ExplainIndex(Picture);
        var failed = inputs.Problems.Count;
        foreach (var path in inputs.Files)
        {
            try
            {
                var picture = PictureReader.Read(path);
                var page = PageOf(path, Path.GetExtension(path).Replace('.', '-'));
                index.Add(page, Explain(detector, device, picture, path, Path.Combine(folder, page), inUse));
            }
            catch (PictureException exception)
            {
                screen.Error(exception, path);
                failed++;
            }
        }
        output.Write(stream => stream.Write(Encoding.UTF8.GetBytes(index.ToHtml())));
        screen.WriteLine($"{Picture}: {Path.Combine(folder, "index.html")}");
        return failed == 0 ? ExitCode.Done : ExitCode.SomethingFailed;
    }

    private ExplainedDetection Explain(FasterRcnn detector, Device device, RgbImage picture, string name, string path, FilesInUse inUse)
    {
        using var output = OutputFile.Open(path, "--out", inUse)!;
        var explained = new ExplainedDetection(
            Path.GetFileName(name), picture, detector, detector.Trace(picture, stop),
            Model is null ? "the shipped model" : $"the model {Path.GetFileName(Model)}", $"{device.Info.Name} ({device.Info.Id})",
            Timed ? Timeline.Measure(detector, picture, device, stop) : null);
        var page = ExplainPage.Of(explained);
        output.Write(stream => stream.Write(Encoding.UTF8.GetBytes(page)));
        screen.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"{name}: {(path == OutputFile.StandardOutput ? "the page" : path)}, {Encoding.UTF8.GetByteCount(page) / 1024.0:F0} KB"));
        return explained;
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
