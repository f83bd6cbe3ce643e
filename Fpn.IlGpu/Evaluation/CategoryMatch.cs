using Fpn.IlGpu.Data;
using Fpn.IlGpu.Detection;

namespace Fpn.IlGpu.Evaluation;

/// <summary>Matches a model's classes to the ground truth's categories by name, whatever their numbers and ignoring case.</summary>
public sealed class CategoryMatch
{
    // Placeholders that models have in place of a class.
    private static readonly string[] NoClasses = ["background", "__background__", "N/A"];

    private readonly Dictionary<string, long> ids = new(StringComparer.OrdinalIgnoreCase);

    /// <summary>Matches the names.</summary>
    /// <param name="classes">The model's classes (<see cref="Detector.Classes"/>).</param>
    /// <param name="categories">The ground truth's categories.</param>
    public CategoryMatch(IReadOnlyList<string> classes, IReadOnlyList<AnnotatedCategory> categories)
    {
        ArgumentNullException.ThrowIfNull(classes);
        ArgumentNullException.ThrowIfNull(categories);
        var names = classes.Except(NoClasses).ToHashSet(StringComparer.OrdinalIgnoreCase);
        foreach (var category in categories.Where(category => names.Contains(category.Name)))
            ids.TryAdd(category.Name, category.Id);
        NotInModel = [.. categories.Select(category => category.Name).Where(name => !ids.ContainsKey(name))];
        NotInTruth = [.. names.Where(name => !ids.ContainsKey(name)).Order(StringComparer.Ordinal)];
    }

    /// <summary>The number of classes that both have.</summary>
    public int Count => ids.Count;

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
}
