using System.Globalization;
using Fpn.IlGpu.Data;
using Fpn.IlGpu.Experiments.Scenes;
using Fpn.IlGpu.Files;
using Fpn.IlGpu.Imaging;

namespace Fpn.IlGpu.Cli;

/// <summary>One run of <c>fpn shapes</c>.</summary>
internal sealed class ShapesRun(string folder, ulong firstSeed, int width, int height, SyntheticShapesOptions options, Screen screen)
{
    private const string PictureFolder = "pictures";

    private string Json => Path.Join(folder, "instances.json");

    /// <summary>Writes <paramref name="count"/> pictures and their annotations; returns the exit code.</summary>
    public int Execute(int count, CancellationToken stop)
    {
        using var held = Prepare();
        var progress = new ProgressLine(screen, count);
        progress.Start();
        var pictures = new List<AnnotatedPicture>();
        var source = new SyntheticPictures(firstSeed, count, width, height) { Options = options };
        var wanted = Enumerable.Range(0, count).TakeWhile(_ => !stop.IsCancellationRequested);
        // Files that are being written are waited for, so that none is left cut short.
        foreach (var picture in Prefetch.InOrder(wanted, (i, _) => Write(source, i), Environment.ProcessorCount, CancellationToken.None))
        {
            pictures.Add(picture);
            progress.Step();
        }
        progress.Finish();
        if (pictures.Count < count)
        {
            screen.Error($"Stopped after {pictures.Count} of {count} pictures; '{Json}' is not written.");
            return ExitCode.Interrupted;
        }
        CocoWriter.Write(
            new AnnotatedSet(pictures, SyntheticShapes.Categories), Json);
        screen.WriteLine(string.Create(
            CultureInfo.InvariantCulture, $"{Json}: {count} pictures, {pictures.Sum(picture => picture.Objects.Count)} shapes"));
        return ExitCode.Done;
    }

    private AnnotatedPicture Write(SyntheticPictures source, int index)
    {
        var picture = source.Read(index, epoch: 0);
        var name = NameOf(firstSeed + (ulong)index);
        PictureWriter.Write(picture.Image, Path.Join(folder, PictureFolder, name));
        return new AnnotatedPicture(index + 1, name, width, height, picture.Objects);
    }

    private FileLock Prepare()
    {
        try
        {
            RefuseForeignFiles();
            Directory.CreateDirectory(Path.Join(folder, PictureFolder));
            var held = FileLock.TryTake(FileLock.OfFolder(folder), out var holder)
                ?? throw new CommandException($"The folder '{folder}' is being written by {holder}; wait for it, or choose another.");
            UnfinishedFile.Clean(Path.Join(folder, PictureFolder));
            // The annotations of an earlier run would describe pictures that are now replaced.
            File.Delete(Json);
            return held;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new CommandException(
                $"The folder '{folder}' can't be written ({exception.Message.TrimEnd('.')}); choose another.", exception);
        }
    }

    // Someone's own data set may have the same layout; only an earlier run of this command may be replaced.
    private void RefuseForeignFiles()
    {
        var pictures = Path.Join(folder, PictureFolder);
        var foreign = Directory.Exists(pictures)
            ? Directory.EnumerateFiles(pictures).FirstOrDefault(file => !IsScene(Path.GetFileName(file)))
            : File.Exists(Json) ? Json : null;
        if (foreign is not null)
            throw new CommandException($"'{foreign}' was not written by 'fpn shapes', which would replace files beside it; choose another folder.");
    }

    private static bool IsScene(string name)
        => name.StartsWith('.') || ulong.TryParse(Path.GetFileNameWithoutExtension(name), out var seed) && name == NameOf(seed);

    private static string NameOf(ulong seed) => string.Create(CultureInfo.InvariantCulture, $"{seed}.png");
}
