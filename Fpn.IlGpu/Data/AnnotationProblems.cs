using System.Globalization;
using Fpn.IlGpu.Files;

namespace Fpn.IlGpu.Data;

/// <summary>
/// The problems with single entries of annotation files: counted by kind, with the first few of each kind described; and how much of
/// the data they leave out. A problem that makes a whole file unusable is an <see cref="AnnotationException"/> instead.
/// </summary>
public sealed class AnnotationProblems
{
    /// <summary>The share of pictures, objects, masks or results that may be left out without asking.</summary>
    public const double MostLost = 0.01;

    private const int MostNamed = 5;

    // Of each kind. More would help nobody, and broken sets may have millions.
    private const int MostKept = 10_000;

    private static readonly AnnotationProblem[] Kinds = Enum.GetValues<AnnotationProblem>();
    private static readonly AnnotationPart[] Parts = Enum.GetValues<AnnotationPart>();

    private readonly int[] counts = new int[Kinds.Length];
    private readonly List<string>[] kept = [.. Kinds.Select(_ => new List<string>())];
    private readonly int[] lost = new int[Parts.Length];
    private readonly int[] all = new int[Parts.Length];

    /// <summary>The total number of problems.</summary>
    public int Total => counts.Sum();

    /// <summary>The number of problems of a kind.</summary>
    public int Count(AnnotationProblem kind) => counts[(int)kind];

    /// <summary>The first five problems of a kind: each says which entry of which file it is, and what is wrong with it.</summary>
    public IReadOnlyList<string> Named(AnnotationProblem kind) => [.. kept[(int)kind].Take(MostNamed)];

    /// <summary>How many of a part there are in the data, usable or not.</summary>
    public int All(AnnotationPart part) => all[(int)part];

    /// <summary>How many of a part are left out.</summary>
    public int Lost(AnnotationPart part) => lost[(int)part];

    /// <summary>Whether more than one per cent (<see cref="MostLost"/>) of any part is left out.</summary>
    public bool IsTooMuchLost => Parts.Any(part => Lost(part) > MostLost * All(part));

    /// <summary>Counts a problem, and records it unless there are thousands of its kind.</summary>
    /// <param name="kind">What is wrong.</param>
    /// <param name="which">The entry, and what is wrong with it, such as <c>object 7 of picture 3: 12 × 0 px</c>.</param>
    /// <param name="loses">What is left out because of it; null for nothing.</param>
    public void Add(AnnotationProblem kind, string which, AnnotationPart? loses = null)
    {
        ArgumentNullException.ThrowIfNull(which);
        counts[(int)kind]++;
        if (kept[(int)kind].Count < MostKept)
            kept[(int)kind].Add(which);
        if (loses is { } part)
            lost[(int)part]++;
    }

    /// <summary>Adds all problems of another instance.</summary>
    public void Add(AnnotationProblems other)
    {
        ArgumentNullException.ThrowIfNull(other);
        foreach (var kind in Kinds)
        {
            counts[(int)kind] += other.counts[(int)kind];
            kept[(int)kind].AddRange(other.kept[(int)kind].Take(MostKept - kept[(int)kind].Count));
        }
        foreach (var part in Parts)
        {
            all[(int)part] += other.all[(int)part];
            lost[(int)part] += other.lost[(int)part];
        }
    }

    /// <summary>Counts what the data have, usable or not.</summary>
    public void AddParts(AnnotationPart part, int count) => all[(int)part] += count;

    /// <summary>
    /// A sentence for what is left out, how many of how many; then one for each kind of problem that occurs: how many there are, what
    /// was done, and the first few.
    /// </summary>
    public IReadOnlyList<string> Sentences() => [.. Losses(), .. Kinds.Where(kind => Count(kind) > 0).Select(Sentence)];

    /// <summary>
    /// Writes all problems to a file, if there are any, and refuses data of which more than one per cent is left out.
    /// </summary>
    /// <param name="allowed">Whether to accept such data, if anything is left of them.</param>
    /// <param name="path">The file; null for none. Its folder is created.</param>
    /// <exception cref="AnnotationException">Too much is left out, or the file can't be written.</exception>
    public void Check(bool allowed, string? path)
    {
        if (path is not null && Total > 0)
            Write(path);
        var nothingIsLeft = All(AnnotationPart.Pictures) > 0 && Lost(AnnotationPart.Pictures) >= All(AnnotationPart.Pictures);
        if (!IsTooMuchLost || (allowed && !nothingIsLeft))
            return;
        var all = path is null ? "" : $" All of them are in '{path}'.";
        var remedy = nothingIsLeft ? "No picture is left: correct the data"
            : "That is more than one per cent: correct the data, or go on without them with --allow-problems";
        throw new AnnotationException($"{string.Join(" ", Sentences())}{all} {remedy}.");
    }

    private void Write(string path)
    {
        try
        {
            Directory.CreateDirectory(Path.GetDirectoryName(Path.GetFullPath(path))!);
            using var file = UnfinishedFile.Create(path);
            using (var list = new StreamWriter(file.Stream, leaveOpen: true))
            {
                foreach (var sentence in Losses())
                    list.WriteLine(sentence);
                foreach (var kind in Kinds.Where(kind => Count(kind) > 0))
                    Write(kind, list);
            }
            file.Complete();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new AnnotationException($"The list of problems '{path}' can't be written ({e.Message.TrimEnd('.')}).", e);
        }
    }

    private void Write(AnnotationProblem kind, StreamWriter list)
    {
        list.WriteLine($"{Heading(kind)}:");
        foreach (var which in kept[(int)kind])
            list.WriteLine($"  {which.ReplaceLineEndings(" ")}");
        if (Count(kind) > kept[(int)kind].Count)
            list.WriteLine($"  … and {Count(kind) - kept[(int)kind].Count} more");
    }

    private IEnumerable<string> Losses() => Parts.Where(part => Lost(part) > 0).Select(part => string.Create(
        CultureInfo.InvariantCulture,
        $"{Lost(part)} of {All(part)} {part.ToString().ToLowerInvariant()} {(Lost(part) == 1 ? "is" : "are")} left out "
        + $"({100.0 * Lost(part) / All(part):0.##} %)."));

    private string Sentence(AnnotationProblem kind)
        => $"{Heading(kind)}: {string.Join("; ", Named(kind))}{(Count(kind) > MostNamed ? ", …" : "")}.";

    private string Heading(AnnotationProblem kind)
        => string.Create(CultureInfo.InvariantCulture, $"{Count(kind)} {InWords(kind, Count(kind) == 1)}");

    private static string InWords(AnnotationProblem kind, bool one) => kind switch
    {
        AnnotationProblem.BoxOutside => one ? "box outside its picture (clipped)" : "boxes outside their pictures (clipped)",
        AnnotationProblem.BoxEmpty => one ? "box without area (skipped)" : "boxes without area (skipped)",
        AnnotationProblem.BoxOnePixel => one
            ? "box whose corners are the same px (kept, one px wide or high)"
            : "boxes whose corners are the same px (kept, one px wide or high)",
        AnnotationProblem.SizeMissing => one
            ? "picture whose annotations state no size (its file's is used)"
            : "pictures whose annotations state no size (their files' are used)",
        AnnotationProblem.FileBroken => one
            ? "annotation file that can't be read (its picture is skipped)"
            : "annotation files that can't be read (their pictures are skipped)",
        AnnotationProblem.ExifOther => one
            ? "picture whose size shows that its annotations go by the other value of 'exif', apply or ignore (skipped)"
            : "pictures whose sizes show that their annotations go by the other value of 'exif', apply or ignore (skipped)",
        AnnotationProblem.ExifUnclear => one
            ? "picture that EXIF says is turned; no size shows whether the annotations are, too (see 'exif')"
            : "pictures that EXIF says are turned; no size shows whether the annotations are, too (see 'exif')",
        AnnotationProblem.PictureEmpty => one
            ? "picture without an object that counts (left out; with 'data.filter_empty' false it is background)"
            : "pictures without an object that counts (left out; with 'data.filter_empty' false they are background)",
        AnnotationProblem.PictureMissing => one ? "missing picture file (skipped)" : "missing picture files (skipped)",
        AnnotationProblem.PictureUnknown => one ? "object of an unknown picture (skipped)" : "objects of unknown pictures (skipped)",
        AnnotationProblem.CategoryUnknown => one ? "object of an unknown category (skipped)" : "objects of unknown categories (skipped)",
        AnnotationProblem.NameTwice => one
            ? "name of several categories (they stay different classes)"
            : "names of several categories (they stay different classes)",
        AnnotationProblem.NameMissing => one
            ? "category without a name (its id serves as its name)"
            : "categories without a name (their ids serve as their names)",
        AnnotationProblem.DuplicateId => one ? "duplicate id (the first one counts)" : "duplicate ids (the first ones count)",
        AnnotationProblem.ObjectIdTwice => one
            ? "object whose id a later one has (which takes its place, as in pycocotools; give each object its own id)"
            : "objects whose ids later ones have (which take their places, as in pycocotools; give each object its own id)",
        AnnotationProblem.MaskBroken => one ? "broken mask (left out)" : "broken masks (left out)",
        AnnotationProblem.MaskMissing => one
            ? "object without a mask (only its box counts)"
            : "objects without a mask (only their boxes count)",
        AnnotationProblem.EntryIncomplete => one ? "incomplete entry (skipped)" : "incomplete entries (skipped)",
        AnnotationProblem.AreaMissing => one
            ? "object without an area (its box's area is used)"
            : "objects without an area (their boxes' areas are used)",
        AnnotationProblem.IdZero => one
            ? "object with id 0 (COCO's evaluation never counts it as found)"
            : "objects with id 0 (COCO's evaluation never counts them as found)",
        AnnotationProblem.PictureBroken => one ? "picture that can't be used (skipped)" : "pictures that can't be used (skipped)",
        AnnotationProblem.LabelsMissing => one
            ? "picture without a file of labels (kept, without objects)"
            : "pictures without a file of labels (kept, without objects)",
        AnnotationProblem.ShapeUnknown => one
            ? "object that is neither box nor polygon nor mask (skipped)"
            : "objects that are neither boxes nor polygons nor masks (skipped)",
        AnnotationProblem.ObjectTwice => one
            ? "object that is listed twice (the first one counts)"
            : "objects that are listed twice (the first ones count)",
        AnnotationProblem.PictureTwice => one
            ? "picture that another set has, too (the first set's counts)"
            : "pictures that other sets have, too (the first sets' count)",
        _ => throw new ArgumentOutOfRangeException(nameof(kind), kind, "No such problem."),
    };
}
