using Fpn.IlGpu.Imaging;

namespace Fpn.IlGpu.Data;

/// <summary>A picture file and the size that its annotations state.</summary>
/// <param name="Path">The file.</param>
/// <param name="Width">Width in px; 0 if the annotations don't state it.</param>
/// <param name="Height">Height in px; 0 if the annotations don't state it.</param>
public readonly record struct PictureFile(string Path, int Width, int Height);

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
    /// <param name="limits">The limits on a picture file; null for the defaults.</param>
    public static IReadOnlyList<bool> Usable(
        IReadOnlyList<PictureFile> files, AnnotationProblems problems, PictureLimits? limits = null)
    {
        ArgumentNullException.ThrowIfNull(files);
        ArgumentNullException.ThrowIfNull(problems);
        var faults = new string?[files.Count];
        var most = new ParallelOptions { MaxDegreeOfParallelism = Math.Min(Environment.ProcessorCount, MostAtOnce) };
        Parallel.For(0, files.Count, most, i => faults[i] = FaultOf(files[i], limits));
        for (var i = 0; i < faults.Length; i++)
        {
            if (faults[i] is { } fault)
            {
                var kind = File.Exists(files[i].Path) ? AnnotationProblem.PictureBroken : AnnotationProblem.PictureMissing;
                problems.Add(kind, fault, AnnotationPart.Pictures);
            }
        }
        return [.. faults.Select(fault => fault is null)];
    }

    /// <summary>Returns a set without the pictures that can't be used; its problems name them.</summary>
    public static AnnotatedSet WithoutUnusable(AnnotatedSet set)
    {
        ArgumentNullException.ThrowIfNull(set);
        var problems = new AnnotationProblems();
        problems.Add(set.Problems);
        var usable = Usable([.. set.Pictures.Select(p => new PictureFile(set.PathOf(p), p.Width, p.Height))], problems);
        return set with { Pictures = [.. set.Pictures.Where((_, i) => usable[i])], Problems = problems };
    }

    /// <summary>A sentence, without its full stop, that says that a picture's size is not the annotated one; null if it is.</summary>
    internal static string? WrongSize(PictureFile file, int width, int height)
        => file.Width == 0 || (file.Width, file.Height) == (width, height)
            ? null
            : $"'{file.Path}' has {width} × {height} px, but its annotations say {file.Width} × {file.Height}";

    private static string? FaultOf(PictureFile file, PictureLimits? limits)
    {
        try
        {
            var (width, height) = PictureReader.SizeOf(file.Path, limits);
            return WrongSize(file, width, height);
        }
        catch (PictureException e)
        {
            return e.Message.TrimEnd('.');
        }
    }
}
