using System.Globalization;

namespace Fpn.IlGpu.Data;

/// <summary>What may be wrong with one entry of an annotation file, and what is then done about it.</summary>
public enum AnnotationProblem
{
    /// <summary>A box that reaches outside its picture: clipped to it.</summary>
    BoxOutside,

    /// <summary>A box without area, within its picture: the object is skipped.</summary>
    BoxEmpty,

    /// <summary>A picture whose file is not there: skipped, with its objects.</summary>
    PictureMissing,

    /// <summary>An object of a picture that the set does not list: skipped.</summary>
    PictureUnknown,

    /// <summary>An object of a category that the set does not list: skipped.</summary>
    CategoryUnknown,

    /// <summary>A second picture, category or object with an id that another has: skipped.</summary>
    DuplicateId,

    /// <summary>A mask that can't be read, or is not of its picture's size: left out; its object stays.</summary>
    MaskBroken,

    /// <summary>An entry without something that it needs, or with something that is no number: skipped.</summary>
    EntryIncomplete,

    /// <summary>An object without an area of its own: its box's is taken.</summary>
    AreaMissing,

    /// <summary>An object with id 0, which pycocotools never counts as found, and evaluation therefore doesn't either.</summary>
    IdZero,

    /// <summary>A picture whose file can't be read, or is of another size: another one takes its place in training.</summary>
    PictureBroken,
}

/// <summary>
/// What was wrong with single entries of annotation files: counted by kind, the first few of each named. What makes a whole
/// file useless is an <see cref="AnnotationException"/> instead.
/// </summary>
public sealed class AnnotationProblems
{
    private const int MostNamed = 5;

    private static readonly AnnotationProblem[] Kinds = Enum.GetValues<AnnotationProblem>();

    private readonly int[] counts = new int[Kinds.Length];
    private readonly List<string>[] named = [.. Kinds.Select(_ => new List<string>())];

    /// <summary>How many there are.</summary>
    public int Total => counts.Sum();

    /// <summary>How many there are of a kind.</summary>
    public int Count(AnnotationProblem kind) => counts[(int)kind];

    /// <summary>The first five of a kind: each says which entry of which file, and what is wrong with it.</summary>
    public IReadOnlyList<string> Named(AnnotationProblem kind) => named[(int)kind];

    /// <summary>Counts one, and names it if it is one of the first of its kind.</summary>
    /// <param name="kind">What is wrong.</param>
    /// <param name="which">The entry, and what is wrong with it, such as <c>object 7 of picture 3: 12 × 0 px</c>.</param>
    public void Add(AnnotationProblem kind, string which)
    {
        ArgumentNullException.ThrowIfNull(which);
        counts[(int)kind]++;
        if (named[(int)kind].Count < MostNamed)
            named[(int)kind].Add(which);
    }

    /// <summary>Adds all of another's.</summary>
    public void Add(AnnotationProblems other)
    {
        ArgumentNullException.ThrowIfNull(other);
        foreach (var kind in Kinds)
        {
            counts[(int)kind] += other.counts[(int)kind];
            named[(int)kind].AddRange(other.named[(int)kind].Take(MostNamed - named[(int)kind].Count));
        }
    }

    /// <summary>A sentence for each kind that occurs: how many, what was done, and which are the first.</summary>
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
        AnnotationProblem.PictureMissing => one ? "picture that is not there (skipped)" : "pictures that are not there (skipped)",
        AnnotationProblem.PictureUnknown => one ? "object of an unknown picture (skipped)" : "objects of unknown pictures (skipped)",
        AnnotationProblem.CategoryUnknown => one ? "object of an unknown category (skipped)" : "objects of unknown categories (skipped)",
        AnnotationProblem.DuplicateId => one ? "id given twice (the first one counts)" : "ids given twice (the first ones count)",
        AnnotationProblem.MaskBroken => one ? "broken mask (left out)" : "broken masks (left out)",
        AnnotationProblem.EntryIncomplete => one ? "incomplete entry (skipped)" : "incomplete entries (skipped)",
        AnnotationProblem.AreaMissing => one
            ? "object without an area (its box's is taken)"
            : "objects without an area (their boxes' are taken)",
        AnnotationProblem.IdZero => one ? "object with id 0 (COCO's evaluation never counts it as found)" : "objects with id 0",
        AnnotationProblem.PictureBroken => one ? "picture that can't be used (skipped)" : "pictures that can't be used (skipped)",
        _ => throw new ArgumentOutOfRangeException(nameof(kind), kind, "No such problem."),
    };
}
