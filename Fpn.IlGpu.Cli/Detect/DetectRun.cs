using System.Diagnostics;
using System.Globalization;

using Fpn.IlGpu.Detection;
using Fpn.IlGpu.Files;
using Fpn.IlGpu.Imaging;
using Fpn.IlGpu.Runtime;

namespace Fpn.IlGpu.Cli;

/// <summary>
/// One run of <c>fpn detect</c>. Other threads decode pictures ahead of the device and write results behind it, so that the
/// device waits for neither. An error in one picture is reported, and the other pictures continue.
/// </summary>
internal sealed class DetectRun(DetectSettings settings, Screen screen, CancellationToken stop)
{
    private const int DecodedAhead = 2;

    private readonly PictureLimits limits =
        settings.MaxPixels is { } most ? new PictureLimits { MaxPixels = most } : new PictureLimits();

    private int done;
    private int failed;
    private int objects;

    /// <summary>A picture in the pipeline: decoded, then with its detections, or with its error.</summary>
    private sealed record Item(string Path)
    {
        public RgbImage? Picture { get; init; }
        public IReadOnlyList<DetectedObject> Found { get; init; } = [];
        public TimeSpan Time { get; init; }
        public Exception? Error { get; init; }
    }

    /// <summary>Runs the command and returns the process's exit code.</summary>
    /// <exception cref="CommandException">There is no such model, or an output can't be written; nothing was detected.</exception>
    /// <exception cref="DeviceException">The device can't be opened.</exception>
    /// <exception cref="Tensors.WeightsException">The model can't be loaded.</exception>
    public int Execute()
    {
        var inputs = InputPictures.Find(settings.Paths, settings.Recursive, settings.Out);
        foreach (var problem in inputs.Problems)
            screen.Error(problem);
        if (inputs.Files.Count == 0)
            return ExitCode.SomethingFailed;
        var weights = ModelArgument.FileOf(settings.Model);
        var inUse = new FilesInUse();
        inUse.AddInputs([.. inputs.Files, .. ModelArgument.FilesOf(weights)]);
        using var json = JsonLines.Open(settings.Json, inUse);
        AnnotatedPictures? annotated = settings.DrawPictures ? new(settings.Out, inputs.Files, inUse) : null;
        var options = new DeviceOptions { AllowAnyOpenCl = settings.AnyOpenCl, Precision = settings.Precision };
        using var device = Device.Open(settings.Device, options);
        using var detector = Detector.Load(device, weights, settings.Configuration);
        var model = settings.Model is null ? "the shipped model" : $"model {settings.Model}";
        if (detector is FastRcnn and not FasterRcnn)
        {
            throw new CommandException(
                $"The detector of {model} is a Fast R-CNN, which needs proposals: evaluate it with 'fpn eval --from-proposals', or call "
                + "FastRcnn.Detect with a picture and its proposals.")
            {
                ExitCode = ExitCode.WrongUsage,
            };
        }
        detector.ScoreThreshold = settings.Score;
        screen.WriteLine($"{device.Info.Name} ({device.Info.Id}), {model}");
        json?.Start();

        var clock = Stopwatch.StartNew();
        var progress = new ProgressLine(screen, inputs.Files.Count);
        progress.Start();
        try
        {
            var reporting = Task.CompletedTask;
            var decoded = Prefetch.InOrder(inputs.Files, Decode, Math.Max(DecodedAhead, settings.Batch), stop);
            foreach (var batch in decoded.Chunk(settings.Batch))
            {
                if (stop.IsCancellationRequested)
                    break;
                var detected = Detect(detector, batch);
                reporting.GetAwaiter().GetResult();
                reporting = Task.Run(() => Report(detected, annotated, json, progress), CancellationToken.None);
            }
            reporting.GetAwaiter().GetResult();
        }
        finally
        {
            progress.Finish();
        }
        Summarise(inputs.Files.Count, clock.Elapsed, annotated);
        if (done + failed < inputs.Files.Count)
            return ExitCode.Interrupted;
        return failed > 0 || inputs.Problems.Count > 0 ? ExitCode.SomethingFailed : ExitCode.Done;
    }

    private Item Decode(string path, Action<long> allocates)
    {
        try
        {
            return new Item(path) { Picture = PictureReader.Read(path, limits.Announcing(allocates)) };
        }
        catch (Exception exception)
        {
            return new Item(path) { Error = exception };
        }
    }

    private static Item[] Detect(Detector detector, Item[] batch)
    {
        Item[] readable = [.. batch.Where(item => item.Picture is not null)];
        if (readable.Length == 0)
            return batch;
        var clock = Stopwatch.StartNew();
        try
        {
            RgbImage[] pictures = [.. readable.Select(item => item.Picture!)];
            var found = detector.Detect(pictures, CancellationToken.None);
            var each = clock.Elapsed / readable.Length;
            var results = readable.Zip(found, (item, objects) => item with { Found = objects, Time = each }).GetEnumerator();
            return [.. batch.Select(item => item.Picture is not null && results.MoveNext() ? results.Current : item)];
        }
        catch (Exception exception) when (batch.Length == 1)
        {
            return [batch[0] with { Error = exception }];
        }
        catch (Exception)
        {
            // One picture was the problem, or all of them together needed too much memory: each on its own may still succeed.
            return [.. batch.SelectMany(item => Detect(detector, [item]))];
        }
    }

    private void Report(Item[] batch, AnnotatedPictures? annotated, JsonLines? json, ProgressLine progress)
    {
        foreach (var item in batch)
        {
            if (item.Error is null && item.Picture is { } picture)
            {
                // JSON first: another program may be waiting for it, and drawing takes longer.
                json?.Write(item.Path, picture.Width, picture.Height, item.Found);
                Report(item, picture, annotated);
            }
            else
            {
                failed++;
                screen.Error(item.Error!, item.Path);
            }
            progress.Step();
        }
    }

    private void Report(Item item, RgbImage picture, AnnotatedPictures? annotated)
    {
        var drawn = "";
        Exception? error = null;
        try
        {
            var output = annotated?.Write(item.Path, picture, item.Found);
            var renamed = output is not null && Path.GetFileNameWithoutExtension(output) != Path.GetFileNameWithoutExtension(item.Path);
            drawn = renamed ? $", drawn as {Path.GetFileName(output)}" : "";
        }
        catch (Exception exception)
        {
            error = exception;
        }
        screen.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"{item.Path}: {picture.Width} × {picture.Height}, {Count(item.Found.Count, "object")}, "
            + $"{item.Time.TotalSeconds:F2} s{drawn}"));
        if (item.Found.Count > 0)
            screen.Write(DetectionTable.Of(item.Found));
        objects += item.Found.Count;
        if (error is null)
        {
            done++;
        }
        else
        {
            failed++;
            screen.Error(error, item.Path);
        }
    }

    private void Summarise(int total, TimeSpan time, AnnotatedPictures? annotated)
    {
        var stopped = done + failed < total ? $"Stopped before {Count(total - done - failed, "picture")}. " : "";
        var bad = failed == 0 ? "" : $", {failed} failed";
        var where = annotated is null || done == 0 ? "" : $" Annotated pictures are in {annotated.Folder}.";
        screen.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"{stopped}{Count(done, "picture")}{bad}, {Count(objects, "object")} in {time.TotalSeconds:F1} s.{where}"));
    }

    private static string Count(int number, string noun)
        => string.Create(CultureInfo.InvariantCulture, $"{number} {noun}{(number == 1 ? "" : "s")}");
}
