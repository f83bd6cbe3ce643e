using Fpn.IlGpu.Imaging;

namespace Fpn.IlGpu.Data;

/// <summary>A picture file and the size that its annotations state.</summary>
/// <param name="Path">The file.</param>
/// <param name="Width">Width in px; 0 if the annotations don't state it.</param>
/// <param name="Height">Height in px; 0 if the annotations don't state it.</param>
internal readonly record struct PictureFile(string Path, int Width, int Height);

/// <summary>
/// Reads the structure of picture files before a run begins, so that the run does not find out hours later how many it can't use. What
/// only decoding shows, such as damage inside the coded pixels, stays unseen.
/// </summary>
public static class PictureCheck
{
    // Each holds a file and its unpacked data in memory.
    private const int MostAtOnce = 8;

    /// <summary>Returns for each picture whether it can be used, and reports the others.</summary>
    /// <param name="files">The pictures.</param>
    /// <param name="problems">Receives the pictures that can't be used.</param>
    /// <param name="exif">What to do with EXIF data that say that a picture is turned.</param>
    /// <param name="limits">The limits on a picture file; null for the defaults.</param>
    /// <param name="progress">Receives the number of pictures checked so far, from several threads.</param>
    internal static IReadOnlyList<bool> Usable(
        IReadOnlyList<PictureFile> files, AnnotationProblems problems, ExifUse exif = ExifUse.Apply, PictureLimits? limits = null,
        IProgress<int>? progress = null)
    {
        ArgumentNullException.ThrowIfNull(files);
        ArgumentNullException.ThrowIfNull(problems);
        var found = new Finding[files.Count];
        var most = new ParallelOptions { MaxDegreeOfParallelism = Math.Min(Environment.ProcessorCount, MostAtOnce) };
        var done = 0;
        Parallel.For(0, files.Count, most, i =>
        {
            found[i] = Find(files[i], exif, limits);
            progress?.Report(Interlocked.Increment(ref done));
        });
        foreach (var finding in found.Where(finding => finding.Problem is not null))
            problems.Add(finding.Problem!.Value, finding.Fault, AnnotationPart.Pictures);
        // Where one picture shows how the set was annotated, the rest is taken to be like it.
        if (!found.Any(finding => finding.Turn == Turn.AsAnnotated))
        {
            foreach (var i in Enumerable.Range(0, found.Length).Where(i => found[i].Turn == Turn.Unclear))
                problems.Add(AnnotationProblem.ExifUnclear, $"'{files[i].Path}'");
        }
        return [.. found.Select(finding => finding.Problem is null)];
    }

    /// <summary>Returns a set without the pictures that can't be used; its problems name them.</summary>
    /// <param name="set">The set.</param>
    /// <param name="exif">What to do with EXIF data that say that a picture is turned.</param>
    /// <param name="progress">Receives the number of pictures checked so far, from several threads.</param>
    public static AnnotatedSet WithoutUnusable(AnnotatedSet set, ExifUse exif = ExifUse.Apply, IProgress<int>? progress = null)
    {
        ArgumentNullException.ThrowIfNull(set);
        var problems = new AnnotationProblems();
        problems.Add(set.Problems);
        var usable = Usable(
            [.. set.Pictures.Select(p => new PictureFile(set.PathOf(p), p.Width, p.Height))], problems, exif, progress: progress);
        return set with { Pictures = [.. set.Pictures.Where((_, i) => usable[i])], Problems = problems };
    }

    /// <summary>A sentence, without its full stop, that says that a picture's size is not the annotated one; null if it is.</summary>
    internal static string? WrongSize(PictureFile file, (int Width, int Height) size)
        => file.Width == 0 || (file.Width, file.Height) == size
            ? null
            : $"'{file.Path}' has {size.Width} × {size.Height} px, but its annotations say {file.Width} × {file.Height}";

    private static Finding Find(PictureFile file, ExifUse exif, PictureLimits? limits)
    {
        try
        {
            var size = PictureReader.SizeOf(file.Path, limits);
            var turn = TurnOf(file, size, exif);
            if (WrongSize(file, size.Of(exif)) is not { } fault)
                return new Finding(null, "", turn);
            var problem = turn == Turn.OtherThanAnnotated ? AnnotationProblem.ExifOther : AnnotationProblem.PictureBroken;
            return new Finding(problem, fault, turn);
        }
        catch (PictureException e)
        {
            var problem = File.Exists(file.Path) ? AnnotationProblem.PictureBroken : AnnotationProblem.PictureMissing;
            return new Finding(problem, e.Message.TrimEnd('.'), Turn.None);
        }
    }

    private static Turn TurnOf(PictureFile file, PictureSize size, ExifUse exif)
    {
        if (size.Orientation == ExifOrientation.Upright)
            return Turn.None;
        var other = exif == ExifUse.Apply ? ExifUse.Ignore : ExifUse.Apply;
        if (file.Width == 0 || size.Of(exif) == size.Of(other))
            return Turn.Unclear;
        var annotated = (file.Width, file.Height);
        return size.Of(exif) == annotated ? Turn.AsAnnotated : size.Of(other) == annotated ? Turn.OtherThanAnnotated : Turn.Unclear;
    }

    // What the size of a picture shows about the use of its EXIF orientation.
    private enum Turn
    {
        None,
        Unclear,
        AsAnnotated,
        OtherThanAnnotated,
    }

    private readonly record struct Finding(AnnotationProblem? Problem, string Fault, Turn Turn);
}
