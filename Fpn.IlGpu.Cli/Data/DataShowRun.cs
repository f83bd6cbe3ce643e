using System.Globalization;
using System.Text.Json;

using Fpn.IlGpu.Data;
using Fpn.IlGpu.Experiments.Scenes;
using Fpn.IlGpu.Files;
using Fpn.IlGpu.Imaging;
using Fpn.IlGpu.Training;

namespace Fpn.IlGpu.Cli;

/// <summary>One run of <c>fpn data show</c>.</summary>
internal sealed class DataShowRun(string folder, int count, string? problemsPath, bool allowed, Screen screen, CancellationToken stop)
{
    // Longer files are annotations: a configuration has a few hundred bytes.
    private const int LongestConfiguration = 1 << 20;
    private const int ReadableSide = 480;

    private readonly FilesInUse inUse = new();
    private int shown;

    /// <summary>Whether a file is a training configuration: a JSON object that has data, and no list of pictures.</summary>
    public static bool IsConfiguration(string path)
    {
        try
        {
            if (!File.Exists(path) || new FileInfo(path).Length > LongestConfiguration)
                return false;
            var options = new JsonDocumentOptions { CommentHandling = JsonCommentHandling.Skip, AllowTrailingCommas = true };
            using var json = JsonDocument.Parse(File.ReadAllBytes(path), options);
            return json.RootElement.ValueKind == JsonValueKind.Object && json.RootElement.TryGetProperty("data", out _)
                && !json.RootElement.TryGetProperty("images", out _);
        }
        catch (Exception exception) when (exception is JsonException or IOException or UnauthorizedAccessException)
        {
            return false; // Whoever reads it next says so better.
        }
    }

    /// <summary>Draws pictures of a set, chosen at random.</summary>
    public int ShowSet(DataSource source, long seed)
    {
        var set = source.Read(inUse);
        new DataOutput(inUse, screen).Check(set.Problems, allowed, problemsPath);
        OutputFile.CheckFolder(folder, "--out");
        foreach (var index in StratifiedSplit.Shuffled(set.Pictures.Count, seed).Take(count).Order())
        {
            if (stop.IsCancellationRequested)
                break;
            var picture = set.Pictures[index];
            var image = PictureReader.Read(set.PathOf(picture), exif: source.Exif);
            var file = new PictureFile(set.PathOf(picture), picture.Width, picture.Height);
            if (PictureCheck.WrongSize(file, (image.Width, image.Height)) is { } fault)
                throw new CommandException($"{fault}.");
            var drawn = picture.Objects.Select(o => new DrawnObject(
                o.BoxImagePx, set.Categories[o.ClassIndex].Name + (o.IsCrowd ? " (crowd)" : o.IsIgnored ? " (ignored)" : ""), o.ClassIndex,
                o.Mask));
            Draw(image, [.. drawn], picture.FileName, "");
        }
        return Ended(Math.Min(count, set.Pictures.Count));
    }

    /// <summary>Draws the samples of a training configuration.</summary>
    /// <param name="path">The configuration.</param>
    /// <param name="stepsDone">The number of steps before the first sample's.</param>
    public int ShowSamples(string path, int stepsDone)
    {
        var configuration = TrainingConfiguration.Load(path);
        inUse.AddInputs(path);
        var dataFolder = Path.GetDirectoryName(Path.GetFullPath(path))!;
        var limit = new ProblemLimit(problemsPath ?? Path.Join(folder, "problems.txt"), allowed);
        OutputFile.Check(limit.Path, problemsPath is null ? "--out" : "--problems", inUse);
        var source = TrainingSource.Open(configuration, dataFolder, SceneTraining.ScenesOf(configuration), limit, progress: null);
        inUse.AddInputs(source.Pictures is AnnotatedSetPictures files ? files.Files : []);
        foreach (var sentence in source.Problems.Sentences())
            screen.Error(sentence);
        OutputFile.CheckFolder(folder, "--out");
        var options = TrainingSamples.Options(configuration, configuration.ModelConfiguration(source.Classes), stepsDone);
        using var loader = new SampleLoader(source.Pictures, options);
        for (var left = count; left > 0 && !stop.IsCancellationRequested;)
        {
            foreach (var sample in loader.Next().Samples.Take(left))
            {
                Draw(sample, source);
                left--;
            }
        }
        foreach (var sentence in loader.Problems.Sentences())
            screen.Error(sentence);
        return Ended(count);
    }

    private void Draw(TrainingSample sample, TrainingSource source)
    {
        var (width, height) = (sample.ResizedW, sample.ResizedH);
        var enlarged = Math.Max(1, ReadableSide / Math.Max(width, height));
        var image = SampleImage.Enlarged(SampleImage.Resized(sample.Image, width, height), enlarged);
        var drawn = sample.Objects.Select(o => new DrawnObject(
            new(o.BoxInputPx.X1 * enlarged, o.BoxInputPx.Y1 * enlarged, o.BoxInputPx.X2 * enlarged, o.BoxInputPx.Y2 * enlarged),
            source.Classes[o.ClassIndex] + (o.IsIgnored ? " (ignored)" : ""), o.ClassIndex,
            o.Mask is null ? null : SampleImage.Resized(o.Mask, image.Width, image.Height)));
        var name = source.Pictures.NameOf(sample.Index).Trim('\'');
        var part = sample.Part is { } of
            ? string.Create(CultureInfo.InvariantCulture, $"px {of.Left}, {of.Top} to {of.Right}, {of.Bottom} of the original, ")
            : "";
        Draw(
            image, [.. drawn], name,
            string.Create(
                CultureInfo.InvariantCulture,
                $"{part}{(sample.IsMirrored ? "mirrored, " : "")}{width} × {height} px{(enlarged > 1 ? $" (shown × {enlarged})" : "")}, "));
    }

    private void Draw(RgbImage image, IReadOnlyList<DrawnObject> objects, string name, string said)
    {
        shown++;
        // A picture may be seen twice, and folders may have pictures of one name.
        var stem = string.Create(CultureInfo.InvariantCulture, $"{shown:D2}-{Path.GetFileNameWithoutExtension(name).Replace(' ', '-')}");
        var extension = Path.GetExtension(name).ToLowerInvariant() is ".jpg" or ".jpeg" ? ".jpg" : ".png";
        var path = Path.Join(folder, FileNames.Fit(stem, extension));
        OutputFile.Check(path, "--out", inUse);
        AnnotationPainter.Draw(image, [.. objects.Select(o => new Annotation(o.Box.X1, o.Box.Y1, o.Box.X2, o.Box.Y2, o.Label, o.Class, o.Mask))]);
        PictureWriter.Write(image, path);
        screen.WriteLine($"{path}: {said}{DataOptions.Count(objects.Count, "object")}");
    }

    private int Ended(int wanted)
    {
        if (shown >= wanted)
            return ExitCode.Done;
        screen.Error(string.Create(CultureInfo.InvariantCulture, $"Stopped after {shown} of {wanted} pictures."));
        return ExitCode.Interrupted;
    }

    private sealed record DrawnObject(Tensors.Box Box, string Label, int Class, ObjectMask? Mask);
}
