using Fpn.IlGpu.Data;
using Fpn.IlGpu.Detection;

namespace Fpn.IlGpu.Evaluation;

/// <summary>
/// Matches a model's classes to the ground truth's categories by name, whatever their numbers. Names that are equal win; those that
/// are left match if they differ only in case. Where several could match, none does: see <see cref="Ambiguous"/>.
/// </summary>
public sealed class CategoryMatch
{
    // Placeholders that models have in place of a class.
    private static readonly string[] NoClasses = ["background", "__background__", "N/A"];

    private readonly Dictionary<string, long> ids = new(StringComparer.Ordinal);

    /// <summary>Matches the names.</summary>
    /// <param name="classes">The model's classes (<see cref="Detector.Classes"/>).</param>
    /// <param name="categories">The ground truth's categories.</param>
    public CategoryMatch(IReadOnlyList<string> classes, IReadOnlyList<AnnotatedCategory> categories)
    {
        ArgumentNullException.ThrowIfNull(classes);
        ArgumentNullException.ThrowIfNull(categories);
        List<string> names = [.. classes.Where(name => !NoClasses.Contains(name, StringComparer.Ordinal))];
        List<AnnotatedCategory> rest = [.. categories];
        List<string> ambiguous = [];
        Match(StringComparer.Ordinal);
        Match(StringComparer.OrdinalIgnoreCase);
        Ambiguous = ambiguous;
        NotInModel = [.. rest.Select(category => category.Name)];
        NotInTruth = [.. names.Order(StringComparer.Ordinal)];

        void Match(StringComparer comparer)
        {
            foreach (var own in names.GroupBy(name => name, comparer).ToList())
            {
                AnnotatedCategory[] same = [.. rest.Where(category => comparer.Equals(category.Name, own.Key))];
                if (same.Length == 0)
                    continue;
                if (own.Count() == 1 && same.Length == 1)
                    ids.Add(own.Key, same[0].Id);
                else
                    ambiguous.Add($"{Names(own)} of the model and {Names(same.Select(c => c.Name))} of the truth");
                names.RemoveAll(own.Contains);
                rest.RemoveAll(same.Contains);
            }
        }
    }

    /// <summary>The number of classes that both have.</summary>
    public int Count => ids.Count;

    /// <summary>
    /// The names that could be matched in several ways, such as <c>'cat' of the model and 'cat', 'cat' of the truth</c>: nothing tells
    /// which category the model's class is, so the model can't be evaluated.
    /// </summary>
    public IReadOnlyList<string> Ambiguous { get; }

    /// <summary>Ground-truth classes that the model can never find.</summary>
    public IReadOnlyList<string> NotInModel { get; }

    /// <summary>The model's classes that are not evaluated.</summary>
    public IReadOnlyList<string> NotInTruth { get; }

    /// <summary>
    /// Converts a detection to a result; null if the ground truth lacks its class. Its area is its box's, as in COCO's code.
    /// </summary>
    public FoundObject? ToFound(in DetectedObject detected, long pictureId)
        => ids.TryGetValue(detected.Label, out var category) ? ToFound(detected, pictureId, category) : null;

    /// <summary>Converts a proposal to a result, which has no class.</summary>
    public static FoundObject ToProposal(in DetectedObject detected, long pictureId) => ToFound(detected, pictureId, null);

    private static FoundObject ToFound(in DetectedObject detected, long pictureId, long? category)
    {
        var box = detected.BoxImagePx;
        var coco = new CocoBox(box.X1, box.Y1, (double)box.X2 - box.X1, (double)box.Y2 - box.Y1);
        return new FoundObject(pictureId, category, detected.Score, coco, coco.Area, detected.Mask);
    }

    private static string Names(IEnumerable<string> names) => string.Join(", ", names.Select(name => $"'{name}'"));
}
