using System.Globalization;

namespace Fpn.IlGpu.Data;

/// <summary>A problem with one entry of an annotation file, and how it is handled.</summary>
public enum AnnotationProblem
{
    /// <summary>A box that reaches outside its picture: clipped to it.</summary>
    BoxOutside,

    /// <summary>A box without area inside its picture: the object is skipped.</summary>
    BoxEmpty,

    /// <summary>A picture whose file does not exist: skipped, with its objects.</summary>
    PictureMissing,

    /// <summary>An object of a picture that the set does not list: skipped.</summary>
    PictureUnknown,

    /// <summary>An object of a category that the set does not list: skipped.</summary>
    CategoryUnknown,

    /// <summary>A second picture, category or object with the same id: skipped.</summary>
    DuplicateId,

    /// <summary>A mask that can't be read, or whose size is not the picture's: left out; its object stays.</summary>
    MaskBroken,

    /// <summary>An object without a mask in a set whose masks are read: only its box is learned.</summary>
    MaskMissing,

    /// <summary>An entry that lacks a value that it needs, or has one that is not a number: skipped.</summary>
    EntryIncomplete,

    /// <summary>An object without an area: its box's area is used.</summary>
    AreaMissing,

    /// <summary>An object with id 0, which pycocotools never counts as found; neither does the evaluation here.</summary>
    IdZero,

    /// <summary>A picture whose file can't be read, or has another size: another picture takes its place in training.</summary>
    PictureBroken,
}

/// <summary>
/// The problems with single entries of annotation files: counted by kind, with the first few of each kind described. A problem
/// that makes a whole file unusable is an <see cref="AnnotationException"/> instead.
/// </summary>
public sealed class AnnotationProblems
{
    private const int MostNamed = 5;

    private static readonly AnnotationProblem[] Kinds = Enum.GetValues<AnnotationProblem>();

    private readonly int[] counts = new int[Kinds.Length];
    private readonly List<string>[] named = [.. Kinds.Select(_ => new List<string>())];

    /// <summary>The total number of problems.</summary>
    public int Total => counts.Sum();

    /// <summary>The number of problems of a kind.</summary>
    public int Count(AnnotationProblem kind) => counts[(int)kind];

    /// <summary>The first five problems of a kind: each says which entry of which file it is, and what is wrong with it.</summary>
    public IReadOnlyList<string> Named(AnnotationProblem kind) => named[(int)kind];

    /// <summary>Counts a problem, and records it if it is among the first of its kind.</summary>
    /// <param name="kind">What is wrong.</param>
    /// <param name="which">The entry, and what is wrong with it, such as <c>object 7 of picture 3: 12 × 0 px</c>.</param>
    public void Add(AnnotationProblem kind, string which)
    {
        ArgumentNullException.ThrowIfNull(which);
        counts[(int)kind]++;
        if (named[(int)kind].Count < MostNamed)
            named[(int)kind].Add(which);
    }

    /// <summary>Adds all problems of another instance.</summary>
    public void Add(AnnotationProblems other)
    {
        ArgumentNullException.ThrowIfNull(other);
        foreach (var kind in Kinds)
        {
            counts[(int)kind] += other.counts[(int)kind];
            named[(int)kind].AddRange(other.named[(int)kind].Take(MostNamed - named[(int)kind].Count));
        }
    }

    /// <summary>A sentence for each kind that occurs: the number of problems, what was done, and the first few.</summary>
    public IReadOnlyList<string> Sentences()
        => [.. Kinds.Where(kind => Count(kind) > 0).Select(kind =>
        {
            var rest = Count(kind) > Named(kind).Count ? ", …" : "";
            return string.Create(
                CultureInfo.InvariantCulture, $"{Count(kind)} {InWords(kind, Count(kind) == 1)}: {string.Join("; ", Named(kind))}{rest}.");
        })];

    private static string InWords(AnnotationProblem kind, bool one) => kind switch
    {
        AnnotationProblem.BoxOutside => one ? "box outside its picture (clipped)" : "boxes outside their pictures (clipped)",
        AnnotationProblem.BoxEmpty => one ? "box without area (skipped)" : "boxes without area (skipped)",
        AnnotationProblem.PictureMissing => one ? "missing picture file (skipped)" : "missing picture files (skipped)",
        AnnotationProblem.PictureUnknown => one ? "object of an unknown picture (skipped)" : "objects of unknown pictures (skipped)",
        AnnotationProblem.CategoryUnknown => one ? "object of an unknown category (skipped)" : "objects of unknown categories (skipped)",
        AnnotationProblem.DuplicateId => one ? "duplicate id (the first one counts)" : "duplicate ids (the first ones count)",
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
        _ => throw new ArgumentOutOfRangeException(nameof(kind), kind, "No such problem."),
    };
}
